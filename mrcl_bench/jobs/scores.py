"""How sure a classifier is of the truth."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def of_truth(
    probabilities: NDArray[Any], truth: NDArray[Any], classes: NDArray[Any] | None = None
) -> NDArray[np.float32]:
    """Picks each image's probability of its true class.

    Args:
        probabilities: Per image and class, (N, C); rows need not sum to one and are scaled to it.
        truth: True class indices (N,).
        classes: Class index of each column, ascending; 0 … C-1 if None.

    Returns:
        Probabilities (N,); 0 where no column is of the true class.
    """
    known = np.arange(probabilities.shape[1]) if classes is None else classes
    column = np.searchsorted(known, truth).clip(max=len(known) - 1)
    total = probabilities.sum(axis=1)
    picked = probabilities[np.arange(len(truth)), column] / np.where(total > 0, total, 1)
    return np.where(known[column] == truth, picked, 0).astype(np.float32)


class Shares:
    """Collects the true class's share of the votes, chunk by chunk.

    Args:
        truth: True class indices of all images (N,).

    Attributes:
        of_truth: Shares (N,), filled from the front.
    """

    def __init__(self, truth: NDArray[Any]) -> None:
        self._truth = truth
        self._done = 0
        self.of_truth = np.zeros(len(truth), dtype=np.float32)

    def add(self, votes: NDArray[Any]) -> None:
        """Takes the votes of the next images, (n, C)."""
        mine = slice(self._done, self._done + len(votes))
        self.of_truth[mine] = of_truth(votes, self._truth[mine])
        self._done = mine.stop
