"""Full-precision CSV in long form: one line per recipe, protocol and metric."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from csv import writer
from typing import TYPE_CHECKING, Any

from ..compare import Cell, Matrix, Summary
from ..record import Cost, DataRef, ProtocolRef, RecipeRef
from .text import six_digits

if TYPE_CHECKING:
    from .tables import Analysis

COLUMNS = (
    "task",
    "backbone",
    "protocol",
    "recipe",
    "role",
    "metric",
    "mean",
    "std",
    "n",
    "expected",
    "state",
    "reason",
    "protocol_sha",
    "data_sha",
)
FAMILY_COLUMNS = ("profile", "family", *COLUMNS)
SUMMARY_COLUMNS = (*COLUMNS, "rank", "gain", "gain_error", "welch_p", "welch_p_holm")
COST_COLUMNS = (
    "backbone",
    "recipe",
    "role",
    "images_seen",
    "epochs",
    "seconds",
    "encoder_gflops",
    "peak_memory_mib",
)


def task_rows(matrix: Matrix) -> list[dict[str, Any]]:
    """Returns one row per cell of a matrix, then what stands apart (means in native units)."""
    rows = [
        _row(recipe, column.protocol, column.data, column.key, column.cells[recipe.name])
        for column in matrix.columns
        for recipe in matrix.recipes
    ]
    for apart in matrix.apart:
        row = _row(apart.recipe, apart.protocol, apart.data, apart.key, apart.cell)
        rows.append(row | {"state": "apart", "reason": ", ".join(apart.reasons)})
    return rows


def family_rows(known: Mapping[str, Analysis]) -> list[dict[str, Any]]:
    """Returns the rows of every profile's matrices, sorted so that families stand together."""
    rows = [
        {"profile": name, "family": column.protocol.family}
        | _row(recipe, column.protocol, column.data, column.key, column.cells[recipe.name])
        for name, analysis in known.items()
        for matrix in analysis.matrices
        for column in matrix.columns
        if column.main
        for recipe in matrix.recipes
    ]
    return sorted(rows, key=lambda row: (row["profile"], row["task"], row["family"]))


def summary_rows(summary: Summary) -> list[dict[str, Any]]:
    """Returns one row per recipe and main metric, with rank and gain over random initialisation."""
    rows = []
    for index, column in enumerate(summary.columns):
        for recipe in summary.recipes:
            gains = summary.gains.get(recipe.name)
            gain = gains[index] if gains else None
            ranks = summary.ranks.get(recipe.name)
            row = _row(recipe, column.protocol, column.data, column.key, column.cells[recipe.name])
            rows.append(
                row
                | {
                    "rank": ranks[index] if ranks else None,
                    "gain": gain.difference if gain else None,
                    "gain_error": gain.error if gain else None,
                    "welch_p": six_digits(gain.p) if gain else None,
                    "welch_p_holm": six_digits(gain.p_holm) if gain else None,
                }
            )
    return rows


def cost_rows(summary: Summary, costs: Mapping[str, Cost]) -> list[dict[str, Any]]:
    """Returns one row per recipe; empty numbers where no cost is recorded."""
    rows = []
    for recipe in summary.recipes:
        cost = costs.get(recipe.name)
        rows.append(
            {"backbone": recipe.backbone, "recipe": recipe.name, "role": recipe.role}
            | {key: getattr(cost, key, None) for key in COST_COLUMNS[3:]}
        )
    return rows


def render(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Returns CSV text; floats in the shortest form that reads back to the same number."""
    text = io.StringIO()
    lines = writer(text, lineterminator="\n")
    lines.writerow(columns)
    lines.writerows([row.get(column) for column in columns] for row in rows)
    return text.getvalue()


def _row(
    recipe: RecipeRef, protocol: ProtocolRef, data: DataRef, key: str, cell: Cell
) -> dict[str, Any]:
    spread = cell.spread
    reasons = list(cell.failures)
    if data.broken_images and cell.values:
        reasons.append(f"without {data.broken_images} broken images")
    return {
        "task": protocol.task,
        "backbone": recipe.backbone,
        "protocol": protocol.name,
        "recipe": recipe.name,
        "role": recipe.role,
        "metric": key,
        "mean": spread.mean if spread else None,
        "std": spread.std if spread else None,
        "n": len(cell.values),
        "expected": cell.expected,
        "state": cell.state,
        "reason": ", ".join(reasons),
        "protocol_sha": protocol.config_sha256,
        "data_sha": data.sha256,
    }
