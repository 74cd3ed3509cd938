"""Average ranks on a line; what Nemenyi's test cannot tell apart is joined (Demšar 2006)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ...compare import Matrix, Summary
from ...compare.ranking import Ranking, ranking
from ...record import Record
from .. import text
from ..figures import Figure, svg_text
from ._style import COLOURS, INK, new


def figure(
    profile: str,
    matrices: Sequence[Matrix],
    summaries: Sequence[Summary],
    records: Mapping[Path, Record],
) -> Figure | None:
    """Draws one line of ranks for each backbone with enough methods and protocols."""
    found = [(summary, ranks) for summary in summaries if (ranks := ranking(summary)) is not None]
    if not found:
        return None
    heights = [1.0 + 0.22 * len(ranks.means) for _, ranks in found]
    drawing, axes = new(6.4, sum(heights), rows=len(found))
    for axis, (summary, ranks) in zip(axes, found, strict=True):
        _draw(axis, summary, ranks)
    caption = [
        text.RANKING.format(
            columns=", ".join(column.label for column in ranks.columns),
            p=text.p_value(ranks.friedman_p),
            critical=f"{ranks.critical:.2f}",
        )
        for _, ranks in found
    ]
    caption += ["1 is best. A bar joins recipes that cannot be told apart.", text.RANKING_LIMITS]
    return Figure(
        f"Average ranks over protocols, profile {profile}", svg_text(drawing), tuple(caption)
    )


def _draw(axis: object, summary: Summary, ranks: Ranking) -> None:
    from matplotlib.axes import Axes

    assert isinstance(axis, Axes)
    count = len(ranks.means)
    step = 0.5
    floor = -step * (len(ranks.groups) + (count + 1) // 2 + 1)
    axis.set_xlim(0.4, count + 0.6)
    axis.set_ylim(floor, 1.3)
    axis.axis("off")
    axis.set_title(summary.backbone, color=INK, size=10)
    axis.hlines(0, 1, count, color=INK, linewidth=1)
    for rank in range(1, count + 1):
        axis.vlines(rank, 0, 0.1, color=INK, linewidth=1)
        axis.text(rank, 0.15, str(rank), ha="center", va="bottom", color=INK, size=8)
    axis.hlines(0.95, 1, 1 + ranks.critical, color=INK, linewidth=2)
    axis.text(1, 1.02, f"critical difference {ranks.critical:.2f}", color=INK, size=8, va="bottom")
    for number, group in enumerate(ranks.groups):
        ends = [ranks.means[name] for name in group]
        axis.hlines(
            -step * (number + 0.5),
            min(ends) - 0.04,
            max(ends) + 0.04,
            color=COLOURS[0],
            linewidth=4,
            alpha=0.8,
        )
    for place, (name, mean) in enumerate(ranks.means.items()):
        left = place < (count + 1) // 2
        row = place if left else count - 1 - place
        height = -step * (len(ranks.groups) + row + 0.7)
        end = 0.9 if left else count + 0.1
        axis.plot([mean, mean, end], [0, height, height], color=INK, linewidth=0.8)
        axis.text(
            end + (-0.05 if left else 0.05),
            height,
            f"{summary.labels[name]} {mean:.2f}",
            ha="right" if left else "left",
            va="center",
            color=INK,
            size=9,
        )
