"""How many seeds would tell a difference of the observed size."""

from __future__ import annotations

import math

from .crossed import Difference

ALPHA = 0.05
POWER = 0.8
MOST_SEEDS = 1000
"""More than that is not a number to plan with."""
_CERTAIN = 30.0
"""A shift so far above the critical value that no t distribution of df >= 2 leaves it below."""


def power(
    difference: float,
    seed_variance: float,
    image_variance: float,
    seeds: int,
    alpha: float = ALPHA,
) -> float:
    """Returns the chance that a test finds a true difference with so many seeds each.

    The two-sided t test's power by the noncentral t distribution.

    Args:
        difference: The true difference.
        seed_variance: Sum of the two methods' variances of a run.
        image_variance: Variance of the difference that more seeds do not make smaller.
        seeds: Seeds of either method, at least 2.
        alpha: Level of the test.
    """
    from scipy.special import nctdtr, stdtrit  # scipy.stats is slow to import

    seed_part = seed_variance / seeds
    variance = seed_part + image_variance
    if variance <= 0:
        return 1.0
    # Two equal variances of seeds - 1 degrees of freedom each; that of the images has very many.
    df = 2 * (seeds - 1) * (variance / seed_part) ** 2 if seed_part > 0 else math.inf
    df = min(df, 1e6)
    critical = float(stdtrit(df, 1 - alpha / 2))
    shift = abs(difference) / math.sqrt(variance)
    if shift > critical + _CERTAIN:
        return 1.0  # where scipy's noncentral t gives out
    # Beyond a shift of 5 the other side has a chance below 1e-6, and scipy may return NaN for it.
    wrong_side = float(nctdtr(df, shift, -critical)) if shift < 5 else 0.0
    return 1 - float(nctdtr(df, shift, critical)) + wrong_side


def seeds_needed(found: Difference, comparisons: int = 1) -> int | None:
    """Returns how many seeds each side needs to tell the observed difference in 4 of 5 tries.

    It takes the observed difference and spread for the true ones: an order of magnitude.

    Args:
        found: The difference.
        comparisons: How many share the table. The level is divided by it, as Holm's first step
            does, so that the number may be somewhat too large.

    Returns:
        The number; None where the spread is unknown, or not even `MOST_SEEDS` would do: then the
        difference is too small, or the images are too few.
    """
    if found.seed_variance is None or found.value == 0:
        return None
    size, variance, image = found.value, found.seed_variance, found.image_variance or 0.0

    def enough(seeds: int) -> bool:
        return power(size, variance, image, seeds, ALPHA / comparisons) >= POWER

    high = 2
    while not enough(high):
        if high >= MOST_SEEDS:
            return None
        high = min(2 * high, MOST_SEEDS)
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
