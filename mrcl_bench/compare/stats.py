"""Mean, spread and differences over seeds, in the metrics' native units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

NEAR_ERRORS = 2.0
"""Differences up to this many standard errors are not called better or worse."""


@dataclass(frozen=True)
class Spread:
    """Summary of one cell's values.

    Attributes:
        n: Number of seeds.
        mean: Arithmetic mean.
        std: Sample standard deviation (ddof=1); None with a single seed.
    """

    n: int
    mean: float
    std: float | None


@dataclass(frozen=True)
class Gain:
    """A difference of means, signed so that positive is better.

    Attributes:
        difference: In the metric's native units.
        error: Standard error of the difference; None with a single seed on either side.
        p: Two-sided Welch t-test; None with a single seed or without any spread.
        p_holm: The same, corrected for all comparisons of its table.
    """

    difference: float
    error: float | None
    p: float | None
    p_holm: float | None = None


def spread(values: Sequence[float]) -> Spread:
    """Returns mean and sample standard deviation of at least one value."""
    n = len(values)
    mean = math.fsum(values) / n
    if n == 1:
        return Spread(n, mean, None)
    return Spread(n, mean, math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (n - 1)))


def difference_error(a: Spread, b: Spread) -> float | None:
    """Returns the standard error of the difference of two means, or None with a single seed."""
    if a.std is None or b.std is None:
        return None
    return math.sqrt(a.std**2 / a.n + b.std**2 / b.n)


def same(a: float, b: float) -> bool:
    """Tells whether two means are equal but for the rounding of the sum."""
    return math.isclose(a, b, rel_tol=1e-12, abs_tol=1e-15)


def indistinguishable(a: Spread, b: Spread) -> bool:
    """Tells whether two means lie within `NEAR_ERRORS` standard errors of each other.

    A single seed has no spread, so nothing can be said: False.
    """
    error = difference_error(a, b)
    return error is not None and abs(a.mean - b.mean) <= NEAR_ERRORS * error
