"""Accuracy from the correctness of each image."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray

from ._table import Arrays, Weights


class Classification:
    """``<split>_correct`` (N,) and, where it is kept, ``<split>_score`` (N,)."""

    metrics: tuple[str, ...] = ("accuracy",)

    def __init__(self, correct: NDArray[np.bool_]) -> None:
        self._correct = correct
        self.size = len(correct)

    @classmethod
    def read(cls, arrays: Arrays, split: str) -> Self | None:
        """Takes a split's arrays out of a file's, if it has them."""
        name = f"{split}_correct"
        return cls(arrays[name].astype(np.bool_)) if name in arrays else None

    def value(self, metric: str, weights: Weights) -> float:
        """See `Table`."""
        return float(weights[self._correct].sum() / weights.sum())

    def truth(self) -> bytes:
        """Correctness says nothing of the labels."""
        return b""
