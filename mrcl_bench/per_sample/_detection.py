"""COCO's average precision from the matches of each detection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ._precision import Ranking, mean_precision
from ._table import Arrays, Weights, compact

_DETECTIONS = 100
"""Detections per image and category that COCO's AP looks at; AP50 and AP75 take them all."""
_IOUS = {"mAP": None, "mAP_50": 0.5, "mAP_75": 0.75}
_COLUMNS = ("image", "category", "score", "matched", "ignored")
_SHARED = ("image", "category", "score")


@dataclass(frozen=True)
class _Kind:
    """Detections of boxes or of masks, by category, image and falling score."""

    columns: dict[str, NDArray[Any]]
    thresholds: NDArray[np.float64]

    def ranking(self, capped: bool) -> Ranking:
        """Returns the detections as they are ranked, at most `_DETECTIONS` per image if capped."""
        columns = self.columns
        if capped:
            new = np.ones(len(columns["image"]), dtype=np.bool_)
            new[1:] = (np.diff(columns["image"]) != 0) | (np.diff(columns["category"]) != 0)
            place = np.arange(len(new))
            first = np.maximum.accumulate(np.where(new, place, 0))
            few = place - first < _DETECTIONS
            columns = {name: column[few] for name, column in columns.items()}
        bits = np.arange(len(self.thresholds), dtype=np.uint16)[:, None]
        return Ranking.of(
            columns["image"],
            columns["category"],
            columns["score"],
            (columns["matched"] >> bits & 1).astype(np.bool_),
            (columns["ignored"] >> bits & 1).astype(np.bool_),
        )


class Detection:
    """``<split>_det_*``, a row per detection, and ``<split>_gt_*``, a row per image and category.

    Args:
        kinds: ``bbox`` and ``segm``, those that there are.
        truths: Image, category and number of truths that are not ignored; zeros left out.
        size: Numbers of images and of categories.
    """

    def __init__(
        self, kinds: dict[str, _Kind], truths: NDArray[np.int64], size: tuple[int, int]
    ) -> None:
        self._kinds, self._truths = kinds, truths
        self.size, self._categories = size
        self.metrics: tuple[str, ...] = tuple(
            f"{name}_{metric}"
            for name, kind in kinds.items()
            for metric, iou in _IOUS.items()
            if iou is None or iou in kind.thresholds
        )
        self._rankings: dict[tuple[str, bool], Ranking] = {}

    @classmethod
    def read(cls, arrays: Arrays, split: str) -> Self | None:
        """Takes a split's arrays out of a file's, if it has them."""
        if f"{split}_gt_size" not in arrays:
            return None

        def column(kind: str, name: str) -> NDArray[Any]:
            own = f"{split}_det_{kind}_{name}"
            found: NDArray[Any] = arrays[own if own in arrays else f"{split}_det_{name}"]
            if name == "score":
                return found
            return found.astype(np.uint16 if name in ("matched", "ignored") else np.int64)

        thresholds = arrays[f"{split}_det_iou"].astype(np.float64)
        kinds = {
            kind: _Kind({name: column(kind, name) for name in _COLUMNS}, thresholds)
            for kind in ("bbox", "segm")
            if f"{split}_det_{kind}_matched" in arrays
        }
        truths = [arrays[f"{split}_gt_{name}"] for name in ("image", "category", "count")]
        images, categories = (int(number) for number in arrays[f"{split}_gt_size"])
        return cls(kinds, np.stack(truths).astype(np.int64), (images, categories))

    def value(self, metric: str, weights: Weights) -> float:
        """See `Table`; what pycocotools would say of a data set with each image so often.

        The copies of an image follow one another, which matters where scores tie.
        """
        kind, name = metric.split("_", 1)
        iou = _IOUS[name]
        ranking = self._ranking(kind, capped=iou is None)
        image, category, count = self._truths
        truths = np.zeros(self._categories, dtype=np.int64)
        np.add.at(truths, category, count * weights[image])
        thresholds = self._kinds[kind].thresholds
        chosen = None if iou is None else int(np.flatnonzero(thresholds == iou)[0])
        return mean_precision(ranking, truths, weights, chosen)

    def _ranking(self, kind: str, capped: bool) -> Ranking:
        if (kind, capped) not in self._rankings:
            self._rankings[kind, capped] = self._kinds[kind].ranking(capped)
        return self._rankings[kind, capped]

    def truth(self) -> bytes:
        """Truths per image and category."""
        return self._truths.tobytes()


@dataclass(frozen=True)
class Matches:
    """What pycocotools matched, flattened.

    Attributes:
        columns: A row per detection, by category, image and falling score.
        truths: Image, category and number of truths that are not ignored; zeros left out.
        thresholds: IoU thresholds.
        size: Numbers of images and of categories.
    """

    columns: dict[str, NDArray[np.generic]]
    truths: NDArray[np.int64]
    thresholds: NDArray[np.float64]
    size: tuple[int, int]


def pack_matches(kinds: Mapping[str, Matches]) -> dict[str, NDArray[np.generic]]:
    """Names the arrays of a record's side file.

    Args:
        kinds: ``bbox`` and ``segm``, those that there are; of the same images and categories.

    Returns:
        Name (without split) to array. Images and categories are places in the evaluation's
        sorted lists. Bit ``t`` of ``matched`` and ``ignored`` is of the IoU threshold ``t``. A
        column that boxes and masks share is kept once.
    """
    arrays: dict[str, NDArray[np.generic]] = {}
    for kind, found in kinds.items():
        if not arrays:
            arrays["det_iou"] = found.thresholds
            arrays["gt_size"] = np.array(found.size)
            names = ("image", "category", "count")
            arrays |= {f"gt_{n}": compact(c) for n, c in zip(names, found.truths, strict=True)}
            arrays |= {f"det_{name}": found.columns[name] for name in _SHARED}
        for name, column in found.columns.items():
            shared = name in _SHARED and np.array_equal(column, arrays[f"det_{name}"])
            if not shared:
                arrays[f"det_{kind}_{name}"] = column
    return arrays


def flatten_matches(evaluation: Any) -> Matches:
    """Flattens what pycocotools matched, image by image, of the area range ``all``.

    Args:
        evaluation: A `COCOeval` that has evaluated.
    """
    params = evaluation.params
    images = len(params.imgIds)
    most = params.maxDets[min(2, len(params.maxDets) - 1)]  # the third is what AP50 looks at
    bits = 1 << np.arange(len(params.iouThrs), dtype=np.uint16)[:, None]
    assert len(bits) <= 16, "a bit for each IoU threshold"
    area = params.areaRngLbl.index("all")
    rows: list[tuple[int, int, int]] = []
    scores: list[float] = []
    matched, ignored = [np.zeros(0, np.uint16)], [np.zeros(0, np.uint16)]
    truths: list[tuple[int, int, int]] = []
    for category in range(len(params.catIds)):
        begin = (category * len(params.areaRng) + area) * images
        for image, one in enumerate(evaluation.evalImgs[begin : begin + images]):
            if one is None:
                continue
            found = one["dtScores"][:most]
            scores += found
            rows.append((image, category, len(found)))
            for parts, flags in ((matched, one["dtMatches"]), (ignored, one["dtIgnore"])):
                set_bits = (flags[:, :most] != 0) * bits
                parts.append(set_bits.sum(axis=0, dtype=np.uint16))
            count = int(np.count_nonzero(one["gtIgnore"] == 0))
            if count:
                truths.append((image, category, count))
    images_of, categories_of, often = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    exact = np.array(scores, dtype=np.float64)
    short = exact.astype(np.float32)
    columns: dict[str, NDArray[np.generic]] = {
        "image": compact(np.repeat(images_of, often)),
        "category": compact(np.repeat(categories_of, often)),
        # Detectors give 32 bits; where there are more, ties must not be made.
        "score": short if np.array_equal(short, exact) else exact,
        "matched": np.concatenate(matched),
        "ignored": np.concatenate(ignored),
    }
    return Matches(
        columns,
        np.array(truths, dtype=np.int64).reshape(-1, 3).T,
        np.asarray(params.iouThrs, dtype=np.float64),
        (images, len(params.catIds)),
    )
