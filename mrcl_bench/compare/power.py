"""How many seeds would tell a difference of the observed size."""

from __future__ import annotations

import math

from .crossed import Difference

ALPHA = 0.05
POWER = 0.8
MOST_SEEDS = 1000
"""More than that is not a number to plan with."""


def power(difference: float, seed_variance: float, image_variance: float, seeds: int) -> float:
    """Returns the chance that a test at 5 % finds a true difference with so many seeds each.

    The two-sided t test's power by the noncentral t distribution.

    Args:
        difference: The true difference.
        seed_variance: Sum of the two methods' variances of a run.
        image_variance: Variance of the difference that more seeds do not make smaller.
        seeds: Seeds of either method, at least 2.
    """
    from scipy.stats import nct, t

    seed_part = seed_variance / seeds
    variance = seed_part + image_variance
    if variance <= 0:
        return 1.0
    # Two equal variances of seeds - 1 degrees of freedom each; that of the images has very many.
    df = 2 * (seeds - 1) * (variance / seed_part) ** 2 if seed_part > 0 else math.inf
    df = min(df, 1e6)
    critical = t.ppf(1 - ALPHA / 2, df)
    shift = abs(difference) / math.sqrt(variance)
    return float(nct.sf(critical, df, shift) + nct.cdf(-critical, df, shift))


def seeds_needed(found: Difference) -> int | None:
    """Returns how many seeds each side needs to tell the observed difference in 4 of 5 tries.

    It takes the observed difference and spread for the true ones, and one comparison alone: an
    order of magnitude, and too few where many comparisons share a table.

    Returns:
        The number; None where the spread is unknown, or not even `MOST_SEEDS` would do: then the
        difference is too small, or the images are too few.
    """
    if found.seed_variance is None or found.value == 0:
        return None
    size, variance, image = found.value, found.seed_variance, found.image_variance or 0.0
    if power(size, variance, image, MOST_SEEDS) < POWER:
        return None
    low, high = 1, MOST_SEEDS
    while high - low > 1:
        middle = (low + high) // 2
        if power(size, variance, image, middle) >= POWER:
            high = middle
        else:
            low = middle
    return high
