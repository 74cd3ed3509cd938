"""``mrcl-bench ls``: the records that there are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def ls(
    results: Annotated[
        Path | None,
        typer.Argument(
            help="Results folder, its records, or one profile's.", show_default="results"
        ),
    ] = None,
    profile: Annotated[str | None, typer.Option(help="Only this profile.")] = None,
) -> None:
    """List records: status and main metric of every run, per profile."""
    from ..compare import load
    from ..errors import EXIT_FAILED
    from ..report import terminal
    from ..report.listing import listing
    from ..workspace import Workspace
    from .compare import report_problems

    loaded = load(results or Workspace.current().results, profile)
    console = terminal.console()
    for name in loaded.records:
        terminal.show(listing(name, loaded.of(name)), console)
    if loaded.problems:
        report_problems(loaded.problems)
        raise typer.Exit(EXIT_FAILED)
