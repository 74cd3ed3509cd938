"""The list of a profile's records, one line each."""

from __future__ import annotations

from collections.abc import Iterable

from ..compare.comparable import is_rehearsal
from ..metrics import metric_of
from ..record import Record
from . import text
from .views import Head, Row, Text, View


def listing(profile: str, records: Iterable[Record]) -> list[View]:
    """Returns one view per recipe; its title and the first column make up the record's path."""
    by_recipe: dict[str, list[Row]] = {}
    for record in records:
        by_recipe.setdefault(record.recipe.name, []).append(_row(record))
    heads = (Head("", "status"), Head("", "main metric"))
    return [
        View(f"{profile}/{recipe}/", "record", heads, tuple(rows), prose=True)
        for recipe, rows in by_recipe.items()
    ]


def _row(record: Record) -> Row:
    value = record.metrics.get(record.protocol.main_metric)
    metric = metric_of(record.protocol.main_metric)
    failed = record.status == "failed"
    status = (
        f"failed: {record.failure.kind if record.failure else 'error'}" if failed else "completed"
    )
    if is_rehearsal(record):
        status = f"{text.REHEARSAL}, {status}"
    shown = text.MISSING
    if value is not None:
        shown = f"{value * metric.scale:.{metric.digits}f} {metric.display}"
    return Row(
        f"{record.protocol.name}/seed{record.seed}.json",
        (
            Text(status, "failed" if failed else ""),
            Text(shown, "" if value is not None else "muted"),
        ),
    )
