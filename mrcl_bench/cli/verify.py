"""``mrcl-bench verify``: a results folder against itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def verify(
    results: Annotated[
        Path | None, typer.Argument(help="Results folder.", show_default="results")
    ] = None,
) -> None:
    """Check records, side files, kept configs and tables against each other; change nothing."""
    from rich.console import Console

    from ..errors import EXIT_FAILED
    from ..verify import verify as check
    from ..workspace import Workspace

    console = Console(stderr=True)
    with console.status("records") as shown:
        found = check(
            results or Workspace.current().results,
            lambda done, total, what: shown.update(f"{what} {done}/{total}" if total else what),
        )
    typer.echo(", ".join(f"{number} {kind}" for kind, number in found.counts.items()))
    for problem in found.problems:
        # Files are not trusted: no sign of their own may steer the terminal.
        typer.echo(f"wrong: {problem if problem.isprintable() else ascii(problem)}", err=True)
    if found.problems:
        typer.echo(f"error: {len(found.problems)} things are wrong.", err=True)
        raise typer.Exit(EXIT_FAILED)
    typer.echo("all sound")
