"""``mrcl-bench report``: everything that records say, as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    results: Annotated[
        Path | None,
        typer.Argument(
            help="Results folder, its records, or one profile's.", show_default="results"
        ),
    ] = None,
    profile: Annotated[str | None, typer.Option(help="Only this profile.")] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The file.", show_default="RESULTS/report.html"),
    ] = None,
    published: Annotated[
        bool, typer.Option("--published", help="Show published numbers as rows apart.")
    ] = False,
) -> None:
    """Write one HTML file with tables, figures, pictures, environment and commands."""
    from ..atomic import write_text
    from ..compare import load
    from ..errors import EXIT_FAILED, EXIT_USAGE, BenchError
    from ..report.html.page import render
    from ..workspace import Workspace
    from .compare import report_problems

    loaded = load(results or Workspace.current().results, profile)
    path = out or loaded.root / "report.html"
    if path.is_dir():
        raise BenchError(f"{path} is a folder.", "Give --out a file name.", EXIT_USAGE)
    text = render(loaded, published)
    write_text(path, text)
    typer.echo(f"{path} ({len(text.encode()) / 1e6:.1f} MB)")
    if loaded.problems:
        report_problems(loaded.problems, " The page names them.")
        raise typer.Exit(EXIT_FAILED)
