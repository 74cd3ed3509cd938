"""Quality of the main metrics against what pretraining cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...compare import Column, Matrix, Summary
from ...compare.pareto import Point, front
from ...record import Cost, Record
from .. import text
from ..figures import Figure, svg_text
from ..views import newest_costs
from ._style import COLOURS, INK, MARKERS, dress, new


def _flops(cost: Cost) -> float | None:
    return None if cost.encoder_gflops is None else cost.images_seen * cost.encoder_gflops / 1000


_COSTS: Mapping[str, Callable[[Cost], float | None]] = {
    "images seen": lambda cost: float(cost.images_seen),
    "images x encoder forward, TFLOPs": _flops,
    "wall seconds": lambda cost: cost.seconds,
}


def figure(
    profile: str,
    matrices: Sequence[Matrix],
    summaries: Sequence[Summary],
    records: Mapping[Path, Record],
) -> Figure | None:
    """Draws a row of panels for each protocol and a panel for each kind of cost."""
    costs = newest_costs(records.values())
    # A budget that everyone has in common gives a panel that says nothing.
    shown = [
        name
        for name, of in _COSTS.items()
        if len({of(cost) for cost in costs.values() if cost.images_seen}) > 1
    ]
    panels = [
        (summary, column, name, points)
        for summary in summaries
        for column in summary.columns
        if (points := _points(summary, column, costs))
        for name in shown
    ]
    if not panels:
        return None
    rows = len(panels) // len(shown)
    drawing, axes = new(3.2 * len(shown), 2.5 * rows + 0.6, columns=len(shown), rows=rows)
    for axis, (summary, column, name, points) in zip(axes, panels, strict=True):
        _draw(axis, summary, column, name, points[name])
    handles, labels = axes[0].get_legend_handles_labels()
    drawing.legend(
        handles, labels, loc="outside lower center", ncols=3, frameon=False, labelcolor=INK
    )
    return Figure(
        f"Quality against cost of pretraining, profile {profile}",
        svg_text(drawing),
        (
            "Each point is a recipe with a pretraining whose cost is recorded, the bar ±1 standard "
            "deviation over downstream seeds. Ringed and joined: no other method or baseline is at "
            "least as good and at most as dear; neighbours there need not be separable. Hollow: "
            "references.",
            "TFLOPs: images seen times one forward pass of the encoder; second views, momentum "
            "networks, heads and the backward pass are not in it. Seconds depend on the machine.",
        ),
    )


def _points(
    summary: Summary, column: Column, costs: Mapping[str, Cost]
) -> dict[str, list[Point]] | None:
    found: dict[str, list[Point]] = {name: [] for name in _COSTS}
    for recipe in summary.recipes:
        cell, cost = column.cells[recipe.name], costs.get(recipe.name)
        if cell.state != "measured" or cell.spread is None or cost is None or not cost.images_seen:
            continue
        for name, of in _COSTS.items():
            value = of(cost)
            if value is not None:
                found[name].append(Point(recipe.name, value, cell.spread.mean))
    return found if any(len(points) > 1 for points in found.values()) else None


def _draw(axis: Any, summary: Summary, column: Column, name: str, points: list[Point]) -> None:
    dress(axis)
    metric = column.metric
    order = [recipe.name for recipe in summary.recipes]
    for point in points:
        place = order.index(point.name)
        spread = column.cells[point.name].spread
        std = spread.std if spread else None
        axis.errorbar(
            point.cost,
            point.quality * metric.scale,
            yerr=None if std is None else std * metric.scale,
            fmt=MARKERS[place % len(MARKERS)],
            color=COLOURS[place % len(COLOURS)],
            markerfacecolor=None if point.name in summary.ranks else "none",
            markersize=5,
            capsize=2,
            label=summary.labels[point.name],
        )
    sign = 1 if metric.higher_is_better else -1
    best = front(
        [Point(p.name, p.cost, sign * p.quality) for p in points if p.name in summary.ranks]
    )
    axis.plot(
        [p.cost for p in best],
        [sign * p.quality * metric.scale for p in best],
        color=INK,
        linewidth=1,
        linestyle="--",
        marker="o",
        markersize=11,
        markerfacecolor="none",
        markeredgecolor=INK,
        zorder=0,
    )
    axis.set_xlabel(name)
    axis.set_title(column.label)
    axis.set_ylabel(text.metric_title(column))
