"""Which recipes nothing else beats in both quality and cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    """A recipe's cost and quality; lower cost is better, higher quality is better."""

    name: str
    cost: float
    quality: float


def front(points: Sequence[Point]) -> tuple[Point, ...]:
    """Returns the points that no other one dominates, by ascending cost.

    A point is dominated if another is at least as good in both and better in one. Means are
    compared as they are: neighbours on the front may not be separable.
    """
    kept = [
        point
        for point in points
        if not any(
            other.cost <= point.cost
            and other.quality >= point.quality
            and (other.cost < point.cost or other.quality > point.quality)
            for other in points
        )
    ]
    return tuple(sorted(kept, key=lambda point: (point.cost, point.name)))
