"""101-point interpolated average precision of ranked detections, each image with a weight.

Follows `COCOeval.accumulate` of pycocotools (Lin et al. 2014, arXiv 1405.0312). What makes it quick
enough for a bootstrap: only hits are looked at. A false positive lowers the precision of what
follows, but the interpolated precision at a recall is that of a hit, and the copies of a hit have
the interpolated precision of their last.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ._table import Weights

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
_RECALLS = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True)
class Ranking:
    """Detections by category and falling score; equal scores in the order of images.

    Attributes:
        image: Place of the image, (D,).
        category: Place of the category, (D,).
        hit: Per IoU threshold whether it counts as true positive, (T, D).
        ignored: Per IoU threshold whether it counts not at all, (T, D).
        run: Numbers runs of equal score, image and category, (D,).
    """

    image: Ints
    category: Ints
    hit: Bools
    ignored: Bools
    run: Ints

    @classmethod
    def of(
        cls,
        image: Ints,
        category: Ints,
        score: NDArray[np.floating],
        matched: Bools,
        ignored: Bools,
    ) -> Self:
        """Sorts detections that come by category, image and falling score."""
        order = np.lexsort((-score, category))  # stable, as pycocotools' mergesort
        image, category, score = image[order], category[order], score[order]
        new = np.ones(len(order), dtype=np.bool_)
        new[1:] = (np.diff(image) != 0) | (np.diff(category) != 0) | (np.diff(score) != 0)
        hit = (matched & ~ignored)[:, order]
        return cls(image, category, hit, ignored[:, order], np.cumsum(new) - 1)

    @cached_property
    def mixed(self) -> Bools:
        """Rows of runs of which some rows, but not all, are hits: their copies alternate."""
        if not len(self.run):
            return np.zeros(0, dtype=np.bool_)
        first = np.flatnonzero(np.diff(self.run, prepend=-1))
        long = np.diff(first, append=len(self.run)) > 1
        differ = np.zeros(len(first), dtype=np.bool_)
        for flags in (self.hit, self.ignored):
            most = np.logical_or.reduceat(flags, first, axis=1)
            least = np.logical_and.reduceat(flags, first, axis=1)
            differ |= (most != least).any(axis=0)
        return (long & differ)[self.run]

    def copied(self, weights: Weights) -> tuple[Ranking, Ints]:
        """Writes out the copies of mixed runs, run after run; returns it with its rows' weights."""
        row_weights = weights[self.image]
        often = np.where(self.mixed, row_weights, 1)
        rows = np.repeat(np.arange(len(often)), often)
        copy = np.arange(len(rows)) - np.repeat(np.cumsum(often) - often, often)
        moving = np.flatnonzero(self.mixed[rows])
        mine = rows[moving]
        rows[moving] = mine[np.lexsort((mine, copy[moving], self.run[mine]))]
        written = Ranking(
            self.image[rows],
            self.category[rows],
            self.hit[:, rows],
            self.ignored[:, rows],
            self.run[rows],
        )
        return written, np.where(self.mixed[rows], 1, row_weights[rows])

    @cached_property
    def hits(self) -> Hits:
        """Where the hits are."""
        return Hits.of(self)


@dataclass(frozen=True)
class Hits:
    """The hits of a ranking, threshold by threshold.

    Attributes:
        row: Rows of the ranking, (H,).
        category: Their categories, (H,).
        bounds: Where the hits of each threshold begin, (T + 1,).
        skipped: Per threshold the rows that are ignored.
        before: How many of them lie before each hit, (H,).
    """

    row: Ints
    category: Ints
    bounds: Ints
    skipped: tuple[Ints, ...]
    before: Ints

    @classmethod
    def of(cls, ranking: Ranking) -> Self:
        """Looks them up."""
        rows = [np.flatnonzero(flags) for flags in ranking.hit]
        skipped = tuple(np.flatnonzero(flags) for flags in ranking.ignored)
        row = np.concatenate(rows)
        bounds = np.cumsum([0, *(len(part) for part in rows)])
        pairs = zip(skipped, rows, strict=True)
        before = np.concatenate([np.searchsorted(skip, part) for skip, part in pairs])
        return cls(row, ranking.category[row], bounds, skipped, before)


def mean_precision(
    ranking: Ranking, truths: Ints, weights: Weights, threshold: int | None = None
) -> float:
    """Averages the interpolated precision over thresholds, recalls and categories with a truth.

    Args:
        ranking: The detections.
        truths: Truths per category, as often as their images count.
        weights: How often each image counts.
        threshold: Take this one alone.

    Returns:
        The average precision; NaN where no category has a truth.
    """
    there = np.flatnonzero(truths)
    if not len(there):
        return float("nan")
    row_weights = weights[ranking.image]
    if ranking.mixed.any() and (row_weights[ranking.mixed] > 1).any():
        ranking, row_weights = ranking.copied(weights)
    hits = ranking.hits
    counted = np.concatenate([[0], np.cumsum(row_weights)])
    starts = np.searchsorted(ranking.category, np.arange(len(truths)))
    wanted = _wanted(truths[there])
    chosen = range(len(hits.skipped)) if threshold is None else [threshold]
    sums = 0.0
    for t in chosen:
        mine = slice(hits.bounds[t], hits.bounds[t + 1])
        row, category = hits.row[mine], hits.category[mine]
        skipped = np.concatenate([[0], np.cumsum(row_weights[hits.skipped[t]])])
        skipped_first = skipped[np.searchsorted(hits.skipped[t], starts)]
        whole = (
            counted[row + 1]
            - counted[starts][category]
            - skipped[hits.before[mine]]
            + skipped_first[category]
        )
        found = np.cumsum(row_weights[row])
        bounds = np.searchsorted(category, np.arange(len(truths) + 1))
        base = np.concatenate([[0], found])[bounds]
        # COCOeval divides by the number of detections plus the spacing of 1, too.
        precision = (found - base[category]) / (whole + np.spacing(1))
        sums += _interpolated(precision, category, found, base, wanted, there)
    return sums / (len(chosen) * len(_RECALLS) * len(there))


def _wanted(truths: Ints) -> Ints:
    """The number of hits at which each recall is reached, one at least: (categories, recalls).

    Compares quotients as COCOeval does, so that rounding falls the same way.
    """
    count = truths[:, None]
    wanted: Ints = np.ceil(_RECALLS * count).astype(np.int64)
    wanted -= ((wanted - 1) / count >= _RECALLS).astype(np.int64)
    wanted += (wanted / count < _RECALLS).astype(np.int64)
    wanted[wanted < 1] = 1
    return wanted


def _interpolated(
    precision: NDArray[np.float64],
    category: Ints,
    found: Ints,
    base: Ints,
    wanted: Ints,
    there: Ints,
) -> float:
    """Sums the best precision at or after each wanted number of hits."""
    if not len(precision):
        return 0.0
    # One running maximum from the back for all categories: each gets a floor above the next one's.
    floor = 2.0 * (base.size - category)
    best = np.maximum.accumulate((precision + floor)[::-1])[::-1] - floor
    target = base[there][:, None] + wanted
    reached = target <= base[there + 1][:, None]
    return float(best[np.searchsorted(found, target[reached])].sum())
