"""Sweeps of one value as curves with bands, a panel for each protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...compare import Column, Matrix, Summary
from ...compare.ablation import Ablation, ablations, main_columns, number
from ...record import Record
from .. import text
from ..figures import Figure, svg_text
from ._style import COLOURS, INK, dress, new


def figure(
    profile: str,
    matrices: Sequence[Matrix],
    summaries: Sequence[Summary],
    records: Mapping[Path, Record],
) -> Figure | None:
    """Draws every sweep over numbers that the recipes' names tell."""
    panels = [
        (matrix, found, column)
        for matrix in matrices
        for found in ablations(matrix)
        if found.kind == "curve"
        for column in main_columns(matrix)
        if sum(column.cells[name].state == "measured" for name in found.points) > 1
    ]
    if not panels:
        return None
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    drawing, axes = new(3.2 * columns, 2.6 * rows, columns=columns, rows=rows)
    for axis, panel in zip(axes, panels, strict=False):
        _draw(axis, *panel)
    for axis in axes[len(panels) :]:
        axis.axis("off")
    return Figure(
        f"Sweeps, profile {profile}",
        svg_text(drawing),
        (
            "Points: means; band: ±1 standard deviation over downstream seeds, none for a single "
            "seed. Each point is one pretraining, whose own spread is not in the band.",
            "Dashed: the base recipe, whose value is in its config and not in its name. Incomplete "
            "cells are left out. Nothing may be chosen from these curves: they are drawn on the "
            "split that is reported.",
        ),
    )


def _draw(axis: Any, matrix: Matrix, found: Ablation, column: Column) -> None:
    dress(axis)
    scale = column.metric.scale
    points = []
    for name, variant in found.points.items():
        cell = column.cells[name]
        value = number(variant.changes[found.key])
        if cell.state == "measured" and cell.spread is not None and value is not None:
            points.append((value, cell.spread.mean * scale, (cell.spread.std or 0.0) * scale))
    x, mean, std = (list(values) for values in zip(*points, strict=True))
    axis.plot(x, mean, color=COLOURS[0], marker="o", markersize=4)
    axis.fill_between(
        x,
        [m - s for m, s in zip(mean, std, strict=True)],
        [m + s for m, s in zip(mean, std, strict=True)],
        color=COLOURS[0],
        alpha=0.25,
        linewidth=0,
    )
    base = column.cells.get(found.base)
    if base is not None and base.state == "measured" and base.spread is not None:
        axis.axhline(base.spread.mean * scale, color=INK, linestyle="--", linewidth=1)
    axis.set_title(column.label)
    axis.set_xlabel(f"{matrix.labels.get(found.base, found.base)}: {found.key}")
    axis.set_ylabel(text.metric_title(column))
