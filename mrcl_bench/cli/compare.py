"""``mrcl-bench compare``: tables over records."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..compare import Results
    from ..errors import BenchError
    from ..report import View


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
    write: Annotated[
        bool, typer.Option("--write/--no-write", help="Write results/tables/<profile>/ as well.")
    ] = True,
) -> None:
    """Compare records: one table per task, with mean, spread and what may not be ranked."""
    from ..compare import load
    from ..errors import EXIT_FAILED
    from ..report import terminal, write_tables
    from ..workspace import Workspace

    loaded = load(results or Workspace.current().results, profile)
    if format is Format.terminal:
        console = terminal.console()
        for name in loaded.records:
            terminal.show(_views(loaded, name, published), console)
    else:
        typer.echo(_text(loaded, format, published), nl=False)
    if loaded.problems:
        note = " Tables were not written." if write else ""
        report_problems(loaded.problems, note)
        raise typer.Exit(EXIT_FAILED)
    if write:
        for name in loaded.records:
            written = write_tables(loaded, name)
            typer.echo(f"{len(written)} table files in {written[0].parent}", err=True)


def _views(loaded: Results, profile: str, published: bool) -> list[View]:
    from ..report.tables import profile_views

    found = profile_views(profile, loaded.of(profile), with_published=published)
    return [view for group in found.values() for view in group]


def _text(loaded: Results, format: Format, published: bool) -> str:
    """All profiles in one of the formats that are a document."""
    from ..report import latex, markdown

    if format is Format.csv:
        return _csv(loaded, published)
    if format is Format.json:
        return _json(loaded, published)
    if format is Format.latex:
        return latex.render(v for name in loaded.records for v in _views(loaded, name, published))
    shown = (markdown.render(_views(loaded, name, published)) for name in loaded.records)
    return "".join(f"{text}\n" for text in shown)


def _csv(loaded: Results, published: bool) -> str:
    from ..compare import build
    from ..report import csv
    from ..report.published import csv_rows

    rows = [
        {"profile": name, **row}
        for name in loaded.records
        for matrix in build(loaded.of(name))
        for row in (*csv.task_rows(matrix), *(csv_rows(matrix) if published else ()))
    ]
    return csv.render(rows, ("profile", *csv.COLUMNS))


def _json(loaded: Results, published: bool) -> str:
    from ..compare import build, summarise
    from ..report import json
    from ..report.tables import profile_views

    documents = {}
    for name in loaded.records:
        records = loaded.of(name)
        matrices = build(records)
        views = profile_views(name, records, with_published=published)
        documents[name] = json.document(matrices, summarise(matrices), records, views, published)
    return json.render(documents, [problem.what for problem in loaded.problems])


def report_problems(problems: Sequence[BenchError], note: str = "") -> None:
    """Names every record file that was left out, with the cure, on stderr."""
    for problem in problems:
        typer.echo(f"warning: {problem}", err=True)
    count = f"{len(problems)} record file{'s' * (len(problems) > 1)}"
    typer.echo(f"error: {count} left out of what is shown.{note}", err=True)
