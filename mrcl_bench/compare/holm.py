"""Holm's correction for many comparisons in one table (scipy has only Benjamini's)."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float | None]) -> tuple[float | None, ...]:
    """Returns p values that may be read beside each other.

    The chance that any true null hypothesis of the table falls below 5 % is at most 5 %, however
    the comparisons depend on each other: Holm (1979), A simple sequentially rejective multiple
    test procedure, Scand. J. Statist. 6, 65-70.

    Args:
        p_values: One per comparison; None where no test was possible, which costs nothing.
    """
    tested = sorted((p, index) for index, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for place, (p, index) in enumerate(tested):
        largest = max(largest, min(1.0, (len(tested) - place) * p))
        adjusted[index] = largest
    return tuple(adjusted)
