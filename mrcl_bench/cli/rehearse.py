"""``mrcl-bench rehearse``: what a cluster would run, tried in miniature on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Optional

import typer

from ..errors import EXIT_USAGE, BenchError
from .options import ConfigsOption, JobsOption, ProfileOption, TrustOption

if TYPE_CHECKING:
    from rich.console import Console

    from ..profiles import Profile
    from ..rehearsal.rehearse import Result

_REASON = 300
"""Characters of a reason that the table shows; the log has all."""


def rehearse(
    protocol: Annotated[
        Optional[list[str]],  # noqa: UP045 - typer reads this at run time
        typer.Argument(
            help="Protocols, families or tasks; all of the profile if none is named.",
            show_default=False,
        ),
    ] = None,
    profile: ProfileOption = "paper",
    recipe: Annotated[
        Optional[list[str]],  # noqa: UP045
        typer.Option(
            "--recipe",
            "-r",
            help="Rehearse a recipe, family, algorithm or 'all'; may be given more than once.",
        ),
    ] = None,
    size: Annotated[
        int, typer.Option(help="Side of what networks are shown, pixels; a multiple of 32.")
    ] = 128,
    jobs: JobsOption = None,
    configs: ConfigsOption = None,
    trust_config: TrustOption = False,
) -> None:
    """Try protocols and recipes at full width on miniature data: two steps, one evaluation.

    Nothing is downloaded, no GPU is used, and no number counts: it proves that a job will not die
    of its config after an hour in the queue.
    """
    from rich.console import Console

    from ..catalog import load_catalog
    from ..rehearsal.reduce import Rehearsal
    from ..rehearsal.rehearse import rehearse as carry_out
    from ..rehearsal.rehearse import select
    from ..workspace import Workspace

    if size < 64 or size % 32:
        raise BenchError(
            f"--size {size} is not a multiple of 32 from 64 up.", "Try --size 128.", EXIT_USAGE
        )
    chosen: Profile = profile  # type: ignore[assignment]
    catalog = load_catalog(configs)
    protocols, recipes = select(catalog, chosen, protocol or [], recipe or [])
    if not protocols and not recipes:
        raise BenchError(
            f"profile {profile} has no protocol.", "Choose another --profile.", EXIT_USAGE
        )
    console = Console()
    workspace = Workspace.current()
    results = carry_out(
        workspace, catalog, chosen, protocols, recipes, Rehearsal(size=size), console, jobs
    )
    _show(console, results)
    failed = [result for result in results if not result.ok]
    if failed:
        logs = dict.fromkeys(str(result.log) for result in failed if result.log)
        raise BenchError(
            f"{len(failed)} of {len(results)} rehearsals failed.",
            "Logs:\n    " + "\n    ".join(logs) if logs else "The table says why.",
        )
    console.print(
        f"All {len(results)} went through; records: {workspace.rehearsals}", highlight=False
    )


def _show(console: Console, results: list[Result]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("rehearsed", overflow="fold", ratio=4)
    table.add_column("result", no_wrap=True, min_width=6)
    table.add_column("s", justify="right", no_wrap=True, min_width=3)
    if any(not result.ok for result in results):
        table.add_column("reason", overflow="fold", ratio=4)
    for result in results:
        row: list[str | Text] = [
            Text(result.name),
            Text("ok", "green") if result.ok else Text("failed", "red"),
            f"{result.seconds:.0f}",
        ]
        if len(table.columns) > len(row):
            row.append(Text(result.reason[:_REASON]))
        table.add_row(*row)
    console.print(table)
