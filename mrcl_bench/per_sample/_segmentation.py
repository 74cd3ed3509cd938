"""mIoU, mean class accuracy and pixel accuracy from the pixel counts of each image."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ._table import Arrays, Weights, compact

_NAMES = ("intersect", "predicted", "labelled")


class Segmentation:
    """``<split>_intersect``, ``_predicted`` and ``_labelled``: pixels per image and class (N, C).

    Args:
        intersect: Pixels that are of a class and were predicted so.
        predicted: Pixels that were predicted to be of a class, unlabelled ones left out.
        labelled: Pixels that are of a class.
    """

    metrics: tuple[str, ...] = ("mIoU", "mAcc", "aAcc")

    def __init__(
        self,
        intersect: NDArray[np.int64],
        predicted: NDArray[np.int64],
        labelled: NDArray[np.int64],
    ) -> None:
        self._intersect, self._predicted, self._labelled = intersect, predicted, labelled
        self.size = len(labelled)

    @classmethod
    def read(cls, arrays: Arrays, split: str) -> Self | None:
        """Takes a split's arrays out of a file's, if it has them."""
        names = [f"{split}_{name}" for name in _NAMES]
        if any(name not in arrays for name in names):
            return None
        return cls(*(arrays[name].astype(np.int64) for name in names))

    def value(self, metric: str, weights: Weights) -> float:
        """See `Table`; classes without a pixel are left out of a mean, as mmseg's IoUMetric does.

        mIoU and mAcc: Long et al. 2015, arXiv 1411.4038, section 5.
        """
        intersect, labelled = weights @ self._intersect, weights @ self._labelled
        if metric == "aAcc":
            return _mean_ratio(intersect.sum(keepdims=True), labelled.sum(keepdims=True))
        if metric == "mAcc":
            return _mean_ratio(intersect, labelled)
        return _mean_ratio(intersect, weights @ self._predicted + labelled - intersect)

    def truth(self) -> bytes:
        """Labelled pixels per image and class."""
        return self._labelled.tobytes()


def pack_areas(results: Iterable[Any]) -> dict[str, NDArray[np.generic]]:
    """Names the counts that mmseg's IoUMetric has for each image.

    Args:
        results: Per image intersection, union, predicted and labelled pixels of all classes.

    Returns:
        Name (without split) to array.
    """
    intersect, _, predicted, labelled = (
        np.stack([np.asarray(counts) for counts in part]) for part in zip(*results, strict=True)
    )
    parts = zip(_NAMES, (intersect, predicted, labelled), strict=True)
    return {name: compact(np.rint(part).astype(np.int64)) for name, part in parts}


def _mean_ratio(part: NDArray[np.int64], whole: NDArray[np.int64]) -> float:
    there = whole > 0
    return float(np.mean(part[there] / whole[there])) if there.any() else float("nan")
