"""``mrcl-bench data``: makes and checks data sets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING

import typer

from mrcl_bench.workspace import Workspace

if TYPE_CHECKING:
    from mrcl_bench.data.manifest import Manifest

app = typer.Typer(help="Make and check data sets.", no_args_is_help=True)


class Source(StrEnum):
    """What the pictures are made of."""

    auto = "auto"
    stamps = "stamps"
    shapes = "shapes"


class Size(StrEnum):
    """How many pictures."""

    full = "full"
    micro = "micro"


@app.command()
def stamps(
    seed: int = typer.Option(0, min=0, help="Seed of every random choice."),
    source: Source = typer.Option(  # noqa: B008 (typer's way)
        Source.auto, help="Photographs, drawn shapes, or shapes where there is no apt."
    ),
    size: Size = typer.Option(  # noqa: B008
        Size.full, help="full for results, micro for tests."
    ),
    force: bool = typer.Option(False, "--force", help="Make it anew if it is there."),
) -> None:
    """Make the embedded set: photographed objects for all three tasks."""
    from mrcl_bench.data.auto import make

    folder = Workspace.current().data / ("stamps" if size is Size.full else "stamps-micro")
    with _bar("stamps") as tell:
        manifest, warning = make(
            folder,
            source=source.value,
            micro=size is Size.micro,
            seed=seed,
            force=force,
            progress=tell,
        )
    if warning:
        typer.echo(f"warning: {warning}", err=True)
    _show(folder.as_posix(), manifest)


@app.command("fashion-mnist")
def fashion_mnist(
    force: bool = typer.Option(False, "--force", help="Make it anew if it is there."),
) -> None:
    """Make a balanced part of Fashion-MNIST: grey photographs of clothes."""
    from mrcl_bench.data.fashion_mnist import make_fashion_mnist

    folder = Workspace.current().data / "fashion-mnist"
    with _bar("fashion-mnist") as tell:
        manifest = make_fashion_mnist(folder, progress=tell, force=force)
    _show(folder.as_posix(), manifest)


@app.command()
def verify(
    data_id: str = typer.Argument(..., metavar="ID", help="stamps, imagenet, coco …"),
) -> None:
    """Check a data set; names everything missing or changed at once."""
    from mrcl_bench.data.locate import OWN, require
    from mrcl_bench.data.manifest import verify as verify_files

    root = Workspace.current().data
    if data_id in OWN:
        with _bar(f"verify {data_id}") as tell:
            manifest = verify_files(root / data_id, tell)
        _show((root / data_id).as_posix(), manifest)
        return
    folder = require(data_id, root)
    typer.echo(f"{folder.id}: complete (layout; the pictures were not opened)")
    typer.echo(f"  at      {folder.path}")
    typer.echo(f"  sha256  {folder.sha256}")


def _show(folder: str, manifest: Manifest) -> None:
    """Prints where a set lies and what is in it."""
    seconds = ", drawn shapes instead of photographs" if manifest.shapes_fallback else ""
    typer.echo(f"{manifest.id}: {manifest.files} files, seed {manifest.seed}{seconds}")
    typer.echo(f"  at      {folder}")
    typer.echo(f"  sha256  {manifest.sha256}")
    for name, split in manifest.splits.items():
        typer.echo(f"  {name:<34} {split.count:>6}  {split.sha256[:12]}")
    for package in manifest.packages:
        if not package["pinned"]:
            typer.echo(f"  not the pinned version: {package['name']} {package['version']}")


@contextmanager
def _bar(title: str) -> Iterator[Callable[[int, int, str], None]]:
    """Shows a progress bar on stderr while the block runs."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description:<44.44}"),
        BarColumn(bar_width=18),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=None)

        def tell(done: int, total: int, what: str) -> None:
            progress.update(task, completed=done, total=total, description=f"{title}: {what}")

        yield tell
