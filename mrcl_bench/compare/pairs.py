"""A method against every other row of its backbone, corrected for how many comparisons that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from ..record import RecipeRef
from .crossed import Difference, difference
from .evidence import Evidence
from .holm import holm
from .matrix import Cell, Column
from .permutation import sign_flips
from .power import seeds_needed
from .summary import Summary
from .variants import is_variant

if TYPE_CHECKING:
    from .bootstrap import Interval

Verdict = Literal["better", "worse", "not separable", "untested"]
ALPHA = 0.05


@dataclass(frozen=True)
class Comparison:
    """The method against one other recipe under one protocol.

    Attributes:
        other: The other recipe.
        column: The protocol and its main metric.
        found: Difference (positive: the method is better), error, p uncorrected.
        runs: The method's cell and the other's.
        p_holm: Corrected over all comparisons of the table.
        verdict: By ``p_holm``; ``untested`` where a single seed leaves the spread unknown, or
            nothing varies.
        needed: Seeds that each side would need, where nothing can be told; None: not to be had by
            seeds, or unknown.
        with_images: Whether the test covers other images, too.
        bootstrap: Interval over images and seeds; None without per-image results.
        p_flips: Of the paired permutation test over seeds, corrected like ``p_holm``; None where
            it was not asked for or the seeds are not the same.
    """

    other: RecipeRef
    column: Column
    found: Difference
    runs: tuple[Cell, Cell]
    p_holm: float | None = None
    verdict: Verdict = "untested"
    needed: int | None = None
    with_images: bool = False
    bootstrap: Interval | None = None
    p_flips: float | None = None


@dataclass(frozen=True)
class Comparisons:
    """All comparisons of one method; Holm's correction is over them."""

    backbone: str
    method: RecipeRef
    rows: tuple[Comparison, ...]


def compare_methods(
    summary: Summary, evidence: Mapping[tuple[str, str], Evidence] | None = None
) -> tuple[Comparisons, ...]:
    """Compares each method that is no variant with every other recipe that is none.

    Args:
        summary: One backbone's main metrics.
        evidence: Per-image results by (protocol, metric), see `gather`; None: seeds alone, and
            no permutation test.

    Returns:
        One table per method; none for a method without a complete cell that it shares.
    """
    rows = [r for r in summary.recipes if not is_variant(r.name, summary.labels)]
    found = []
    for method in rows:
        if method.role != "method":
            continue
        comparisons = [
            comparison
            for column in summary.columns
            for other in rows
            if other != method
            and (comparison := _comparison(method, other, column, evidence or {})) is not None
        ]
        if evidence is not None:
            comparisons = _flipped(comparisons)
        if comparisons:
            found.append(Comparisons(summary.backbone, method, _corrected(comparisons)))
    return tuple(found)


def _comparison(
    method: RecipeRef,
    other: RecipeRef,
    column: Column,
    evidence: Mapping[tuple[str, str], Evidence],
) -> Comparison | None:
    a, b = column.cells[method.name], column.cells[other.name]
    if a.state != "measured" or b.state != "measured":
        return None
    known = evidence.get((column.protocol.name, column.key))
    units = interval = None
    up = column.metric.higher_is_better
    if known is not None and method.name in known.units and other.name in known.units:
        units = known.units[method.name], known.units[other.name]
        interval = known.paired(*((method.name, other.name) if up else (other.name, method.name)))
    return Comparison(
        other,
        column,
        difference(a.values, b.values, up, units),
        (a, b),
        with_images=units is not None,
        bootstrap=interval,
    )


def _flipped(comparisons: list[Comparison]) -> list[Comparison]:
    """Adds the permutation tests, corrected over the table."""
    raw = []
    for comparison in comparisons:
        a, b = comparison.runs
        paired = a.seeds == b.seeds
        raw.append(sign_flips(a.values, b.values) if paired else None)
    return [
        replace(comparison, p_flips=p) for comparison, p in zip(comparisons, holm(raw), strict=True)
    ]


def _corrected(comparisons: list[Comparison]) -> tuple[Comparison, ...]:
    corrected = []
    tests = sum(c.found.p is not None for c in comparisons)
    for comparison, p in zip(comparisons, holm([c.found.p for c in comparisons]), strict=True):
        verdict: Verdict = "untested"
        needed = None
        if p is not None:
            verdict = "not separable"
            if p <= ALPHA:
                verdict = "better" if comparison.found.value > 0 else "worse"
            else:
                needed = seeds_needed(comparison.found, tests)
        corrected.append(replace(comparison, p_holm=p, verdict=verdict, needed=needed))
    return tuple(corrected)
