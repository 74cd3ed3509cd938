"""``mrcl-bench compare``: tables over records."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..errors import BenchError


class Format(StrEnum):
    """How tables are printed."""

    terminal = "terminal"
    markdown = "markdown"
    csv = "csv"


def compare(
    results: Annotated[
        Path | None,
        typer.Argument(
            help="Results folder, its records, or one profile's.", show_default="results"
        ),
    ] = None,
    profile: Annotated[str | None, typer.Option(help="Only this profile.")] = None,
    format: Annotated[Format, typer.Option(help="How to print.")] = Format.terminal,
    published: Annotated[
        bool,
        typer.Option(
            "--published", help="Show published numbers as rows apart; never in written tables."
        ),
    ] = False,
    write: Annotated[
        bool, typer.Option("--write/--no-write", help="Write results/tables/<profile>/ as well.")
    ] = True,
) -> None:
    """Compare records: one table per task, with mean, spread and what may not be ranked."""
    from ..compare import build, load
    from ..errors import EXIT_FAILED
    from ..report import csv, markdown, terminal, write_tables
    from ..report.published import csv_rows
    from ..report.tables import profile_views
    from ..workspace import Workspace

    loaded = load(results or Workspace.current().results, profile)
    rows = []
    for name in loaded.records:
        records = loaded.of(name)
        if format is Format.csv:
            rows += [
                {"profile": name, **row}
                for matrix in build(records)
                for row in (*csv.task_rows(matrix), *(csv_rows(matrix) if published else ()))
            ]
            continue
        found = profile_views(name, records, with_published=published)
        shown = [view for group in found.values() for view in group]
        if format is Format.markdown:
            typer.echo(markdown.render(shown))
        else:
            terminal.show(shown, terminal.console())
    if format is Format.csv:
        typer.echo(csv.render(rows, ("profile", *csv.COLUMNS)), nl=False)
    if loaded.problems:
        note = " Tables were not written." if write else ""
        report_problems(loaded.problems, note)
        raise typer.Exit(EXIT_FAILED)
    if write:
        for name in loaded.records:
            written = write_tables(loaded, name)
            typer.echo(f"{len(written)} table files in {written[0].parent}", err=True)


def report_problems(problems: Sequence[BenchError], note: str = "") -> None:
    """Names every record file that was left out, with the cure, on stderr."""
    for problem in problems:
        typer.echo(f"warning: {problem}", err=True)
    count = f"{len(problems)} record file{'s' * (len(problems) > 1)}"
    typer.echo(f"error: {count} left out of what is shown.{note}", err=True)
