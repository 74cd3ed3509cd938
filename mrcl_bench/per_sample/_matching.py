"""COCO's greedy matching of detections to truths, all IoU thresholds at once.

The same as pycocotools' ``COCOeval.evaluateImg`` of the area range ``all``, which a test holds
it to: detections by falling score take the truth of highest IoU that is still free, the later
of two equal ones; a truth that is ignored is taken only where no other is to be had, a crowd
any number of times. A bit stands for a threshold, so that what pycocotools does ten times over
all pairs is done once over those that overlap enough.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ._detection import Matches
from ._table import compact

_AREA = 1e10
"""The area range ``all`` ends here."""
_ALMOST_ONE = 1 - 1e-10
"""pycocotools asks for no higher IoU."""


@dataclass(frozen=True)
class Objects:
    """Detections or truths, in the order of their file.

    Attributes:
        image: Place of the image in the evaluation's sorted list.
        category: Place of the category.
        area: Area in pixels.
        score: Of detections.
        crowd: Of truths.
    """

    image: NDArray[np.int64]
    category: NDArray[np.int64]
    area: NDArray[np.float64]
    score: NDArray[np.float64] | None = None
    crowd: NDArray[np.bool_] | None = None

    @property
    def outside(self) -> NDArray[np.bool_]:
        """Which have an area that is never judged."""
        found: NDArray[np.bool_] = (self.area < 0) | (self.area > _AREA)
        return found


def ranked(found: Objects, most: int) -> NDArray[np.int64]:
    """Returns detections by category, image and falling score, at most so many per image."""
    assert found.score is not None
    columns = (_falling(found.score), found.image, found.category)
    # columns of 16 bits are sorted by radix
    order = np.lexsort([part for column in columns for part in _halves(column)])
    image, category = found.image[order], found.category[order]
    new = np.ones(len(order), dtype=np.bool_)
    new[1:] = (np.diff(image) != 0) | (np.diff(category) != 0)
    place = np.arange(len(order))
    few = place - np.maximum.accumulate(np.where(new, place, 0)) < most
    return np.asarray(order[few], dtype=np.int64)


def _halves(column: NDArray[np.generic]) -> list[NDArray[np.generic]]:
    """Returns columns of 16 bits that sort as one of whole numbers does; others as they are."""
    if column.dtype.kind == "f":
        return [column]
    halves = column.astype(np.uint32)[:, None].view(np.dtype("<u2"))
    return [halves[:, 0], halves[:, 1]]


def _falling(score: NDArray[np.float64]) -> NDArray[np.generic]:
    """Returns what rises where scores fall: whole numbers, if they are float32's."""
    short = score.astype(np.float32) + np.float32(0)  # no -0
    if not np.array_equal(short, score):
        return -score
    bits = short.view(np.uint32)
    return np.where(bits >> 31 == 1, bits, ~bits & np.uint32(0x7FFFFFFF))


def pairs(
    found: Objects, order: NDArray[np.int64], truths: Objects, images: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Returns all places in ``order`` with all truths of the same image and category."""
    key = found.category[order] * images + found.image[order]
    own = truths.category * images + truths.image
    by_key = np.argsort(own, kind="stable")
    begin = np.searchsorted(own[by_key], key, side="left")
    often = np.searchsorted(own[by_key], key, side="right") - begin
    place = np.repeat(np.arange(len(order)), often)
    step = np.arange(len(place)) - np.repeat(np.cumsum(often) - often, often)
    return place, by_key[np.repeat(begin, often) + step]


def match(
    found: Objects,
    order: NDArray[np.int64],
    truths: Objects,
    overlaps: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]],
    thresholds: NDArray[np.float64],
    size: tuple[int, int],
) -> Matches:
    """Matches; see the module.

    Args:
        found: Detections.
        order: Those that count, as `ranked` gives them.
        truths: Truths.
        overlaps: Place in ``order``, truth and IoU of the pairs that overlap.
        thresholds: IoU thresholds, at most 16, rising.
        size: Numbers of images and of categories.
    """
    from ._greedy import assign  # numba takes some tenths of a second to import

    assert found.score is not None and truths.crowd is not None
    ignored = truths.crowd | truths.outside
    place, truth, iou = overlaps
    # thresholds rise, so the ones that a pair reaches are the lowest bits
    reached = np.searchsorted(np.minimum(thresholds, _ALMOST_ONE), iou, side="right")
    near = reached > 0
    place, truth, iou, reached = place[near], truth[near], iou[near], reached[near]
    best = np.lexsort((-truth, -iou, ignored[truth], place))
    hit, skip = np.zeros((2, len(order)), dtype=np.int64)
    kept = np.zeros(len(truths.area), dtype=np.int64), hit, skip
    bits = (1 << reached[best]) - 1
    assign(place[best], truth[best], bits, (truths.crowd, ignored), kept)
    every = (1 << len(thresholds)) - 1
    skip |= np.where(found.outside[order], every & ~hit, 0)
    exact = found.score[order]
    short = exact.astype(np.float32)
    columns: dict[str, NDArray[np.generic]] = {
        "image": compact(found.image[order]),
        "category": compact(found.category[order]),
        "score": short if np.array_equal(short, exact) else exact,
        "matched": hit.astype(np.uint16),
        "ignored": skip.astype(np.uint16),
    }
    images, _ = size
    counted = truths.category[~ignored] * images + truths.image[~ignored]
    keys, often = np.unique(counted, return_counts=True)
    return Matches(columns, np.stack([keys % images, keys // images, often]), thresholds, size)
