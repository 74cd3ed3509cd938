"""Contrastive accuracy against transfer, over the course of each pretraining."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...metrics import metric_of
from ..course import Curve, curves, notes, protocols
from ..figures import Figure, svg_text
from ._style import COLOURS, MARKERS, dress, new

if TYPE_CHECKING:
    from ...compare import Matrix, Summary
    from ...record import Record


def figure(
    profile: str,
    matrices: Sequence[Matrix],
    summaries: Sequence[Summary],
    records: Mapping[Path, Record],
) -> Figure | None:
    """See `mrcl_bench.report.figures`: a panel per protocol, and one for the reconstruction."""
    here = list(records.values())
    found = [curve for curve in curves(here) if _contrasts(curve) > 1]
    if not found:
        return None
    panels = [
        _Panel(f"{title}: {metric_of(key).display}", name, key)
        for name, (title, key) in protocols(found, here).items()
    ]
    if any(_error(point) is not None for curve in found for point in curve.points):
        panels.append(_Panel("Reconstruction error", None, ""))
    caption = (
        "Each line is a pretraining, each mark a checkpoint; the large mark is its end. Right is "
        "better at telling images apart, up is better at the task (down at reconstruction). A line "
        "that goes right but not up overfits to discriminating. Bars: standard deviation over "
        "downstream seeds, where there are several.",
        *notes(found, here),
    )
    return Figure(f"Discriminative overfitting, profile {profile}", _draw(found, panels), caption)


class _Panel:
    def __init__(self, title: str, protocol: str | None, key: str) -> None:
        self.title, self.protocol, self.key = title, protocol, key

    def value(self, point: Any) -> tuple[float, float | None] | None:
        """Height of a point and of its bar; None where it has none."""
        if self.protocol is None:
            error = _error(point)
            return None if error is None else (error, None)
        spread = point.transfer.get(self.protocol)
        if spread is None:
            return None
        scale = metric_of(self.key).scale
        return spread.mean * scale, None if spread.std is None else spread.std * scale


def _contrasts(curve: Curve) -> int:
    return sum(_accuracy(point) is not None for point in curve.points)


def _accuracy(point: Any) -> float | None:
    return None if point.course is None else point.course.contrastive_accuracy


def _error(point: Any) -> float | None:
    return None if point.course is None else point.course.reconstruction_error


def _draw(found: Sequence[Curve], panels: Sequence[_Panel]) -> str:
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    canvas, grid = new(3.2 * columns, 2.8 * rows + 0.5, columns=columns, rows=rows)
    for axes, panel in zip(grid, panels, strict=False):
        for place, curve in enumerate(found):
            _line(axes, panel, curve, place)
        axes.set_title(panel.title)
        axes.set_xlabel("contrastive accuracy, %")
        dress(axes)
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    canvas.legend(
        *canvas.axes[0].get_legend_handles_labels(),
        loc="outside lower center",
        ncols=min(4, len(found)),
        frameon=False,
        fontsize=8,
    )
    return svg_text(canvas)


def _line(axes: Any, panel: _Panel, curve: Curve, place: int) -> None:
    there = []
    for point in curve.points:
        accuracy, value = _accuracy(point), panel.value(point)
        if accuracy is not None and value is not None:
            there.append((100 * accuracy, *value, point.count == curve.total))
    colour, marker = COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]
    axes.errorbar(
        [x for x, *_ in there],
        [y for _, y, *_ in there],
        yerr=[bar or 0 for _, _, bar, _ in there] if any(bar for _, _, bar, _ in there) else None,
        color=colour,
        marker=marker,
        markersize=4,
        linewidth=1.2,
        elinewidth=0.8,
        label=curve.display,
    )
    end = [(x, y) for x, y, _, last in there if last]
    axes.plot(*zip(*end, strict=True), marker, color=colour, markersize=9) if end else None
