"""Methods over many tasks: average ranks, Friedman's test and Nemenyi's critical difference.

Demšar (2006), Statistical Comparisons of Classifiers over Multiple Data Sets, JMLR 7, 1-30.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from .matrix import Column
from .summary import Summary

ALPHA = 0.05
LEAST_METHODS = 3
LEAST_TASKS = 2


@dataclass(frozen=True)
class Ranking:
    """Average ranks over the columns in which every ranked recipe is complete.

    Attributes:
        backbone: The summary's backbone.
        columns: Those columns.
        means: Recipe name to average rank, the best first.
        friedman_p: Whether the ranks differ at all; None where every task gives ties only.
        critical: Average ranks that lie closer than this cannot be told apart at 5 %.
        groups: Largest sets of recipes, best first, none of which differ by `critical`.
    """

    backbone: str
    columns: tuple[Column, ...]
    means: dict[str, float]
    friedman_p: float | None
    critical: float
    groups: tuple[tuple[str, ...], ...]


def ranking(summary: Summary) -> Ranking | None:
    """Ranks a backbone's methods and baselines over its protocols.

    Returns:
        The ranking; None with fewer than three recipes or two complete columns.
    """
    names = list(summary.ranks)
    complete = [
        index
        for index in range(len(summary.columns))
        if all(summary.ranks[name][index] is not None for name in names)
    ]
    if len(names) < LEAST_METHODS or len(complete) < LEAST_TASKS:
        return None
    ranks = {
        name: [rank for index in complete if (rank := summary.ranks[name][index]) is not None]
        for name in names
    }
    from scipy.stats import friedmanchisquare

    p = float(friedmanchisquare(*ranks.values()).pvalue)
    means = {name: math.fsum(r) / len(r) for name, r in ranks.items()}
    means = dict(sorted(means.items(), key=lambda item: item[1]))
    critical = critical_difference(len(names), len(complete))
    return Ranking(
        summary.backbone,
        tuple(summary.columns[index] for index in complete),
        means,
        None if math.isnan(p) else p,
        critical,
        _groups(means, critical),
    )


def critical_difference(methods: int, tasks: int) -> float:
    """Returns Nemenyi's critical difference of average ranks at 5 % (Demšar 2006, 3.2.2)."""
    from scipy.stats import studentized_range

    q = float(studentized_range.ppf(1 - ALPHA, methods, math.inf)) / math.sqrt(2)
    return q * math.sqrt(methods * (methods + 1) / (6 * tasks))


def _groups(means: dict[str, float], critical: float) -> tuple[tuple[str, ...], ...]:
    names = list(means)
    groups: list[tuple[str, ...]] = []
    reached = 0
    for first, name in enumerate(names):
        last = max(i for i, n in enumerate(names) if means[n] - means[name] < critical)
        if last > first and last + 1 > reached:
            groups.append(tuple(names[first : last + 1]))
            reached = last + 1
    return tuple(groups)
