"""What the kinds of per-sample results have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[np.generic]]
Weights = NDArray[np.int64]


class Table(Protocol):
    """The results of one split, image by image.

    Attributes:
        metrics: Names of the metrics that can be recomputed, without their split.
        size: Number of images.
    """

    metrics: tuple[str, ...]
    size: int

    def value(self, metric: str, weights: Weights) -> float:
        """Returns the metric where image ``i`` counts ``weights[i]`` times; NaN if undefined."""
        ...

    def truth(self) -> bytes:
        """Returns what the table knows of the labels: other images have, as a rule, others."""
        ...


def compact(values: NDArray[np.integer]) -> NDArray[np.generic]:
    """Returns counts or indices in the smallest unsigned type that holds them."""
    return values.astype(np.min_scalar_type(int(values.max(initial=0))))
