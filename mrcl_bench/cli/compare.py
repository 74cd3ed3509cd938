"""``mrcl-bench compare``: tables over records."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..compare import Results
    from ..errors import BenchError
    from ..report.tables import Analysis
    from ..report.views import View


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
    across: Annotated[
        bool,
        typer.Option(
            "--across", help="Show protocol families over backbones, in blocks apart, instead."
        ),
    ] = False,
    statistics: Annotated[
        bool,
        typer.Option(
            "--statistics",
            help="Show intervals and tests over images and seeds, and ranks, instead.",
        ),
    ] = False,
    write: Annotated[
        bool, typer.Option("--write/--no-write", help="Write results/tables/<profile>/ as well.")
    ] = True,
) -> None:
    """Compare records: one table per task, with mean, spread and what may not be ranked."""
    from ..compare import load
    from ..errors import EXIT_FAILED, EXIT_USAGE, BenchError
    from ..report import tables
    from ..workspace import Workspace

    if across and statistics:
        raise BenchError(
            "--across and --statistics show different tables.", "Give one of them.", EXIT_USAGE
        )
    loaded = load(results or Workspace.current().results, profile)
    known = {name: tables.analyse(loaded.of(name)) for name in loaded.records}
    written: list[Path] = []
    if statistics:
        written = _statistics(loaded, known, format, write and not loaded.problems)
    elif across:
        _across(known, format)
    elif format is Format.csv:
        _csv(known, published)
    else:
        for name, analysis in known.items():
            found = tables.profile_views(name, analysis, with_published=published)
            _show([view for group in found.values() for view in group], format)
    if loaded.problems:
        note = " Tables were not written." if write else ""
        report_problems(loaded.problems, note)
        raise typer.Exit(EXIT_FAILED)
    if write and not (across or statistics):
        for name, analysis in known.items():
            written += tables.write_tables(loaded, name, analysis=analysis)
    for folder in dict.fromkeys(path.parent for path in written):
        count = sum(path.parent == folder for path in written)
        typer.echo(f"{count} table files in {folder}", err=True)


def _show(views: Sequence[View], format: Format) -> None:
    from ..report import markdown, terminal

    if format is Format.markdown:
        typer.echo(markdown.render(views))
    else:
        terminal.show(views, terminal.console())


def _csv(known: Mapping[str, Analysis], published: bool) -> None:
    from ..report import csv
    from ..report.published import csv_rows

    rows = [
        {"profile": name, **row}
        for name, analysis in known.items()
        for matrix in analysis.matrices
        for row in (*csv.task_rows(matrix), *(csv_rows(matrix) if published else ()))
    ]
    typer.echo(csv.render(rows, ("profile", *csv.COLUMNS)), nl=False)


def _across(known: Mapping[str, Analysis], format: Format) -> None:
    from ..report import csv
    from ..report.across import across

    if format is Format.csv:
        typer.echo(csv.render(csv.family_rows(known), csv.FAMILY_COLUMNS), nl=False)
        return
    views = [view for name, found in known.items() for view in across(name, found.matrices)]
    _show(views, format)
    if not views:
        typer.echo("No protocol family has records on more than one backbone.", err=True)


def _statistics(
    loaded: Results, known: Mapping[str, Analysis], format: Format, write: bool
) -> list[Path]:
    from ..report import comparisons, csv
    from ..report.statistics import statistics
    from ..report.statistics import write as write_statistics

    written = []
    rows = []
    for name, analysis in known.items():
        views, compared = statistics(loaded, name, analysis)
        if format is Format.csv:
            rows += [
                {"profile": name, **row} for each in compared for row in comparisons.rows(each)
            ]
        else:
            _show(views, format)
        if write:
            written += write_statistics(loaded, name, views, compared)
    if format is Format.csv:
        typer.echo(csv.render(rows, ("profile", *comparisons.COLUMNS)), nl=False)
    return written


def report_problems(problems: Sequence[BenchError], note: str = "") -> None:
    """Names every record file that was left out, with the cure, on stderr."""
    for problem in problems:
        typer.echo(f"warning: {problem}", err=True)
    count = f"{len(problems)} record file{'s' * (len(problems) > 1)}"
    typer.echo(f"error: {count} left out of what is shown.{note}", err=True)
