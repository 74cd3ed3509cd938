"""Published numbers as rows of a task's table, marked and with their sources as notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..compare import Column, Matrix
from ..metrics import Metric
from ..published import KINDS, Entry, Published, entries

if TYPE_CHECKING:
    from .views import View

SIGN = "‡"
NOTE = (
    "‡: not measured here but published by the source in brackets, under the protocol of its "
    "column; rounded like the others, never ranked. low–high: sources or runs disagree."
)
NONE = "No published number is known for the protocols of this table."


def added(view: View, matrix: Matrix) -> View:
    """Adds the rows of what is published under a matrix's protocols, and their sources.

    Args:
        view: The matrix's table.
        matrix: The matrix; its columns are those of the view.

    Returns:
        The table with further rows, all marked as published.
    """
    from .views import Row, Text

    rows = []
    sources: dict[str, int] = {}
    for entry in of_matrix(matrix):
        cells = []
        for column in matrix.columns:
            found = numbers(entry, column)
            cells.append(Text(_shown(found, column.metric, sources), "published"))
        rows.append(Row(f"{entry.label} {SIGN}", tuple(cells), published=True))
    if not rows:
        return replace(view, notes=(*view.notes, NONE))
    notes = [NOTE, *(f"[{number}] {source}." for source, number in sources.items())]
    return replace(view, rows=(*view.rows, *rows), notes=(*view.notes, *notes))


def of_matrix(matrix: Matrix) -> tuple[Entry, ...]:
    """Returns what is published under a matrix's protocols."""
    protocols = [(column.protocol.family, column.data.id) for column in matrix.columns]
    found = entries(matrix.backbone, protocols)
    return tuple(e for e in found if any(numbers(e, column) for column in matrix.columns))


def numbers(entry: Entry, column: Column) -> tuple[Published, ...]:
    """Returns an entry's numbers that belong in a column: none but for the split ``val``."""
    split, _, metric = column.key.rpartition("/")
    return entry.numbers.get((column.protocol.family, metric), ()) if split == "val" else ()


def csv_rows(matrix: Matrix) -> list[dict[str, Any]]:
    """Returns one row per published number, by the columns of `mrcl_bench.report.csv`."""
    return [
        {
            "task": matrix.task,
            "backbone": matrix.backbone,
            "protocol": column.protocol.name,
            "recipe": entry.label,
            "role": "published",
            "metric": column.key,
            "mean": number.percent / 100,
            "state": "published",
            "reason": _source(number),
        }
        for column in matrix.columns
        for entry in of_matrix(matrix)
        for number in numbers(entry, column)
    ]


def _shown(found: Sequence[Published], metric: Metric, sources: dict[str, int]) -> str:
    if not found:
        return ""
    values = [f"{number.percent / 100 * metric.scale:.{metric.digits}f}" for number in found]
    low, high = min(values, key=float), max(values, key=float)
    marks = sorted({sources.setdefault(_source(number), len(sources) + 1) for number in found})
    return f"{low if low == high else f'{low}–{high}'} [{', '.join(map(str, marks))}]"


def _source(number: Published) -> str:
    return f"{number.source}, {KINDS[number.source_kind]}"
