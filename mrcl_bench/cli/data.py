"""``mrcl-bench data``: makes and checks data sets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Optional

import typer

from mrcl_bench.errors import BenchError
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


class PublicSet(StrEnum):
    """Sets that are the user's own."""

    imagenet = "imagenet"
    coco = "coco"
    voc = "voc"
    ade20k = "ade20k"
    cityscapes = "cityscapes"


_NAMES = ", ".join(PublicSet)
_SHOWN = 20
"""Findings that are printed; all go into the report."""


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
def miniature(
    folder: Path = typer.Argument(..., help="New or empty folder; it becomes a data root."),
    seed: int = typer.Option(0, min=0, help="Seed of every random choice."),
) -> None:
    """Make the public sets in miniature: real layouts and labels, a few drawn pictures."""
    from mrcl_bench.data.miniature import make_miniature

    with _bar("miniature") as tell:
        manifest = make_miniature(folder, seed=seed, progress=tell)
    _show(folder.as_posix(), manifest)


@app.command()
def check(
    name: PublicSet = typer.Argument(..., metavar="SET", help=_NAMES),
    folder: Optional[Path] = typer.Argument(  # noqa: UP045 - typer reads this at run time
        None, metavar="[DIR]", help="The set's folder, if it does not lie in the data root."
    ),
    fast: bool = typer.Option(
        False, "--fast", help="Do not decode pictures: half a file goes unnoticed."
    ),
    report: Optional[Path] = typer.Option(  # noqa: UP045
        None, "--report", help="Write everything found to this file, as JSON."
    ),
) -> None:
    """Read a whole public set once and list all that is wrong with it."""
    from mrcl_bench.atomic import write_json
    from mrcl_bench.data.check import check as look

    with _bar(f"check {name.value}") as tell:
        found = look(name.value, Workspace.current().data, folder, fast=fast, progress=tell)
    for finding in [*found.faults, *(one for one in found.findings if one.note)][:_SHOWN]:
        mark = "note" if finding.note else "fault"
        typer.echo(f"  {mark}: {finding.kind}: {finding.where}: {finding.what}")
    if len(found.findings) > _SHOWN:
        typer.echo(f"  … and {len(found.findings) - _SHOWN} more")
    for kind, count in found.counts().items():
        typer.echo(f"{count:>9}  {kind}")
    rate = found.pictures / found.seconds if found.seconds else 0.0
    typer.echo(
        f"{name.value}: {found.pictures} files opened in {found.seconds:.1f} s ({rate:.0f}/s)"
        + (", not decoded" if fast else "")
    )
    if report is not None:
        write_json(report, found.to_json())
        typer.echo(f"  all of it: {report}")
    if found.faults:
        raise BenchError(
            f"{len(found.faults)} faults in {found.path}.",
            "Mend or fetch again what is listed"
            + ("." if report or len(found.findings) <= _SHOWN else "; --report FILE lists all."),
        )


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
    typer.echo(f"{folder.id}: complete (layout; the pictures were not opened: data check)")
    typer.echo(f"  at      {folder.path}")
    typer.echo(f"  sha256  {folder.sha256}")


@app.command()
def pack(
    folder: Path = typer.Argument(..., help="Pictures, e.g. data/imagenet/train."),
    verify_only: bool = typer.Option(
        False, "--check", help="Compare an existing pack and its files by sha256; make nothing."
    ),
    jobs: Optional[int] = typer.Option(  # noqa: UP045
        None, "--jobs", "-j", min=1, help="Pictures decoded at a time (default: by cores)."
    ),
) -> None:
    """Decode a folder's pictures once, into FOLDER.packed, for the fused views of pretraining."""
    import os

    from mrcl_bench.augment.pack import check as compare
    from mrcl_bench.augment.pack import pack as make

    with _bar("pack") as tell:
        found = compare(folder) if verify_only else make(folder, jobs or os.cpu_count() or 1, tell)
    done = "made" if found.made else "as its files" if verify_only else "up to date"
    typer.echo(f"{found.path}: {found.pictures} pictures, {found.size / 1e9:.2f} GB, {done}")


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
