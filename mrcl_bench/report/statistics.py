"""What per-image results add: intervals, comparisons and ranks; on request, for it takes time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..atomic import write_text
from ..compare import Results
from ..compare.evidence import gather
from ..compare.pairs import Comparisons, compare_methods
from ..compare.ranking import ranking
from . import comparisons, csv, markdown
from .tables import Analysis
from .views import View


@dataclass(frozen=True)
class Statistics:
    """A profile's tables over images and seeds, and the comparisons behind them."""

    views: list[View]
    compared: tuple[Comparisons, ...]


def statistics(results: Results, profile: str, analysis: Analysis) -> Statistics:
    """Resamples a profile's per-image results and compares its methods.

    Args:
        results: Where per-image results lie.
        profile: The profile.
        analysis: What its records give.
    """
    shown: list[View] = []
    compared: list[Comparisons] = []
    for summary in analysis.summaries:
        evidence = gather(results, profile, summary)
        intervals = comparisons.interval_view(profile, summary, evidence)
        shown += [intervals] if intervals else []
        found = compare_methods(summary, evidence)
        compared += found
        shown += [comparisons.view(profile, each, summary.labels) for each in found]
        ranks = ranking(summary)
        shown += [comparisons.ranking_view(profile, ranks, summary.labels)] if ranks else []
    return Statistics(shown, tuple(compared))


def write(results: Results, profile: str, found: Statistics) -> list[Path]:
    """Writes ``results/statistics/<profile>.md`` and ``.csv`` atomically."""
    texts = render(results, profile, found)
    for path, text in texts.items():
        write_text(path, text)
    return list(texts)


def render(results: Results, profile: str, found: Statistics) -> dict[Path, str]:
    """Returns what `write` writes, by file."""
    folder = results.root / "statistics"
    rows = [row for each in found.compared for row in comparisons.rows(each)]
    return {
        folder / f"{profile}.csv": csv.render(rows, comparisons.COLUMNS),
        folder / f"{profile}.md": markdown.render(found.views),
    }
