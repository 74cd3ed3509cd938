"""The report's figures: a form for all of them, and the modules that draw them.

Every module of `mrcl_bench.report.plots` draws one figure::

    def figure(profile, matrices, summaries, records) -> Figure | None

A new figure is a new module there; nothing lists them. None says that the records hold nothing to
draw. Heavy imports (matplotlib) belong into the function.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from ..discovery import modules_of

if TYPE_CHECKING:
    from ..compare import Matrix, Summary
    from ..record import Record


@dataclass(frozen=True)
class Figure:
    """A figure ready to be shown.

    Attributes:
        title: Heading, e.g. ``"Transfer over mask ratio"``.
        svg: An ``<svg>`` element without XML declaration: transparent background, text as text,
            colours that can be read on dark and on light.
        caption: Whole sentences: what is shown, over how many runs, and what it does not say.
    """

    title: str
    svg: str
    caption: tuple[str, ...] = ()


class Plot(Protocol):
    """A module of `mrcl_bench.report.plots`."""

    def figure(
        self,
        profile: str,
        matrices: Sequence[Matrix],
        summaries: Sequence[Summary],
        records: Mapping[Path, Record],
    ) -> Figure | None:
        """Draws the figure, or returns None where the records hold nothing to draw."""
        ...


def figures(
    profile: str,
    matrices: Sequence[Matrix],
    summaries: Sequence[Summary],
    records: Mapping[Path, Record],
) -> dict[str, Figure]:
    """Draws all figures of a profile.

    Args:
        profile: The records' profile.
        matrices: Its matrices, see `mrcl_bench.compare.build`.
        summaries: Their summaries.
        records: Path to record; side files such as per-sample results lie beside the path.

    Returns:
        Module name to figure, sorted by name; without those that have nothing to draw.
    """
    plots = _plots()
    if not plots:
        return {}
    import matplotlib as mpl

    with mpl.rc_context({"text.parse_math": False}):  # a dollar in a name is a dollar
        drawn = {n: plot.figure(profile, matrices, summaries, records) for n, plot in plots}
    return {name: figure for name, figure in drawn.items() if figure is not None}


def _plots() -> list[tuple[str, Plot]]:
    from . import plots

    found = modules_of(plots, having="figure")
    return [(name, cast(Plot, module)) for name, module in found.items()]


def svg_text(figure: object) -> str:
    """Returns a matplotlib figure as an ``<svg>`` element that can stand within HTML.

    Text stays text in the page's own font, black becomes the page's own text colour; the same
    figure gives the same bytes.

    Args:
        figure: A `matplotlib.figure.Figure`; it is not changed.
    """
    import io

    import matplotlib as mpl

    buffer = io.StringIO()
    settings: Any = {
        "svg.fonttype": "none",
        "svg.hashsalt": "mrcl-bench",
        "font.family": "sans-serif",
    }
    with mpl.rc_context(settings):
        figure.savefig(  # type: ignore[attr-defined]
            buffer,
            format="svg",
            transparent=True,
            bbox_inches="tight",
            metadata={"Date": None, "Creator": None},
        )
    text = buffer.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    return text.replace("#000000", "currentColor").strip()
