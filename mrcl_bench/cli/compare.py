"""``mrcl-bench compare``: tables over records."""

from __future__ import annotations

import gc
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..compare import Results
    from ..errors import BenchError
    from ..report import View
    from ..report.statistics import Statistics
    from ..report.tables import Analysis


class Format(StrEnum):
    """How tables are printed."""

    terminal = "terminal"
    markdown = "markdown"
    csv = "csv"
    latex = "latex"
    json = "json"


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
    from ..report import tables, terminal
    from ..report.statistics import statistics as over_images
    from ..report.statistics import write as write_statistics
    from ..workspace import Workspace

    if across and statistics:
        raise BenchError(
            "--across and --statistics show different tables.", "Give one of them.", EXIT_USAGE
        )
    loaded = load(results or Workspace.current().results, profile)
    gc.freeze()  # records stay to the end; the collector need not look at them again and again
    known = {name: tables.analyse(loaded.of(name)) for name in loaded.records}
    measured = {
        name: over_images(loaded, name, analysis) for name, analysis in known.items() if statistics
    }
    if format is Format.csv:
        typer.echo(_csv(known, measured, across, published), nl=False)
    else:
        shown = {
            name: {"statistics": measured[name].views}
            if statistics
            else _views(name, analysis, across, published)
            for name, analysis in known.items()
        }
        if format is Format.terminal:
            console = terminal.console()
            for found in shown.values():
                terminal.show([view for group in found.values() for view in group], console)
        else:
            typer.echo(_text(loaded, known, shown, format, published), nl=False)
    if loaded.problems:
        note = " Tables were not written." if write else ""
        report_problems(loaded.problems, note)
        raise typer.Exit(EXIT_FAILED)
    if not write or across:
        return
    for name, analysis in known.items():
        written = (
            write_statistics(loaded, name, measured[name])
            if statistics
            else tables.write_tables(loaded, name, analysis=analysis)
        )
        typer.echo(f"{len(written)} table files in {written[0].parent}", err=True)


def _views(
    profile: str, analysis: Analysis, across: bool, published: bool
) -> dict[str, list[View]]:
    from ..report.across import across as over_backbones
    from ..report.tables import profile_views

    if not across:
        return profile_views(profile, analysis, with_published=published)
    found = over_backbones(profile, analysis.matrices)
    if not found:
        typer.echo(f"{profile}: no protocol family has records on two backbones.", err=True)
    return {"families": found}


def _text(
    loaded: Results,
    known: Mapping[str, Analysis],
    shown: Mapping[str, Mapping[str, list[View]]],
    format: Format,
    published: bool,
) -> str:
    """All profiles in one of the formats that are a document."""
    from ..report import json, latex, markdown

    if format is Format.json:
        documents = {
            name: json.document(a.matrices, a.summaries, a.records, shown[name], published)
            for name, a in known.items()
        }
        return json.render(documents, [problem.what for problem in loaded.problems])
    views = [[view for group in found.values() for view in group] for found in shown.values()]
    if format is Format.latex:
        return latex.render(view for group in views for view in group)
    return "".join(f"{markdown.render(group)}\n" for group in views)


def _csv(
    known: Mapping[str, Analysis],
    measured: Mapping[str, Statistics],
    across: bool,
    published: bool,
) -> str:
    from ..report import comparisons, csv
    from ..report.published import csv_rows

    if across:
        return csv.render(csv.family_rows(known), csv.FAMILY_COLUMNS)
    if measured:
        rows = [
            {"profile": name, **row}
            for name, found in measured.items()
            for each in found.compared
            for row in comparisons.rows(each)
        ]
        return csv.render(rows, ("profile", *comparisons.COLUMNS))
    rows = [
        {"profile": name, **row}
        for name, analysis in known.items()
        for matrix in analysis.matrices
        for row in (*csv.task_rows(matrix), *(csv_rows(matrix) if published else ()))
    ]
    return csv.render(rows, ("profile", *csv.COLUMNS))


def report_problems(problems: Sequence[BenchError], note: str = "") -> None:
    """Names every record file that was left out, with the cure, on stderr."""
    for problem in problems:
        typer.echo(f"warning: {problem}", err=True)
    count = f"{len(problems)} record file{'s' * (len(problems) > 1)}"
    typer.echo(f"error: {count} left out of what is shown.{note}", err=True)
