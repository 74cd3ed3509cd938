"""Colours and axes that can be read on dark and on light."""

from __future__ import annotations

from typing import Any

INK = "#7a7a7a"
"""Contrast of at least 4.2 against both white and black."""
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe and Ito's palette for colour-blind readers, without its black and its yellow."""
MARKERS = "osD^vP*X"


def new(width: float, height: float, columns: int = 1, rows: int = 1) -> tuple[Any, list[Any]]:
    """Returns a figure without a screen behind it, and its axes, row by row."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    return figure, [axis for row in axes for axis in row]


def dress(axis: Any) -> None:
    """Gives an axis its colours and takes away what carries no information."""
    axis.set_facecolor("none")
    for side, spine in axis.spines.items():
        spine.set_color(INK)
        spine.set_visible(side in ("left", "bottom"))
    axis.tick_params(colors=INK, labelsize=8)
    axis.xaxis.label.set(color=INK, size=9)
    axis.yaxis.label.set(color=INK, size=9)
    axis.title.set(color=INK, size=10)
    axis.grid(visible=True, color=INK, alpha=0.2, linewidth=0.6)
