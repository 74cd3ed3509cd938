"""Ablations as tables: two switches, one value's sweep, and what else was changed."""

from __future__ import annotations

from typing import Any

from ..compare import Matrix
from ..compare.ablation import SWITCHES, Ablation, ablations, main_columns, switch_states
from . import text
from .views import Head, Row, Text, View, cell_text

COLUMNS = (
    "task",
    "backbone",
    "base",
    "kind",
    "key",
    "value",
    "recipe",
    "protocol",
    "metric",
    "mean",
    "std",
    "n",
    "state",
)


def views(profile: str, matrix: Matrix) -> list[View]:
    """Returns a table for each ablation among a matrix's rows."""
    return [_view(profile, matrix, found) for found in ablations(matrix)]


def _view(profile: str, matrix: Matrix, found: Ablation) -> View:
    base = matrix.labels.get(found.base, found.base)
    columns = main_columns(matrix)
    heads = [Head(c.label, text.metric_title(c)) for c in columns]
    rows = []
    points = dict(found.points)
    if found.kind == "switches":
        points = dict(sorted(points.items(), key=lambda p: switch_states(p[1]), reverse=True))
    for name, variant in points.items():
        cells = [cell_text(column, name) for column in columns]
        label = ", ".join(f"{key} = {value}" for key, value in variant.changes.items())
        if found.kind == "switches":
            on = [Text("yes" if state else "no") for state in switch_states(variant)]
            cells = [*on, *cells]
        rows.append(Row(label or f"{base} itself", tuple(cells)))
    if found.kind == "curve" and found.base in matrix.labels:
        cells = [cell_text(column, found.base) for column in columns]
        rows.append(Row(f"{base} itself", tuple(cells), reference=True))
    if found.kind == "switches":
        heads = [*(Head("", title) for title in SWITCHES.values()), *heads]
    title = {
        "switches": " x ".join(SWITCHES.values()),
        "curve": found.key,
        "list": "other changes",
    }[found.kind]
    shown = [c for c in columns]
    notes = [line for line in text.legend(shown) if line != text.VARIANTS_NOTE]
    return View(
        f"{base}: {title}; {matrix.task}, {matrix.backbone}, profile {profile}",
        "changed",
        tuple(heads),
        tuple(rows),
        (text.ABLATION[found.kind], *notes),
    )


def rows(matrix: Matrix) -> list[dict[str, Any]]:
    """Returns one row per ablation, variant and protocol at full precision."""
    table = []
    for found in ablations(matrix):
        for name, variant in found.points.items():
            for column in main_columns(matrix):
                cell = column.cells[name]
                spread = cell.spread
                table.append(
                    {
                        "task": matrix.task,
                        "backbone": matrix.backbone,
                        "base": found.base,
                        "kind": found.kind,
                        "key": " ".join(variant.changes),
                        "value": " ".join(variant.changes.values()),
                        "recipe": name,
                        "protocol": column.protocol.name,
                        "metric": column.key,
                        "mean": spread.mean if spread else None,
                        "std": spread.std if spread else None,
                        "n": len(cell.values),
                        "state": cell.state,
                    }
                )
    return table
