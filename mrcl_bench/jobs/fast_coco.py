"""COCO's average precision by hotcoco, a port of pycocotools to Rust.

What pycocotools takes minutes for takes a second. hotcoco does not hand out its matches at that
speed, so those that a record keeps of each image are made beside it (`mrcl_bench.per_sample`), from
overlaps of masks that are counted by compiled code (`mrcl_bench.jobs.rle`).
A test holds both to pycocotools.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools.cocoeval import COCOeval

from ..per_sample import Matches, Objects, match, pairs, ranked


def available() -> bool:
    """Says whether hotcoco and numba are installed; nothing but speed depends on them."""
    return all(importlib.util.find_spec(name) for name in ("hotcoco", "numba"))


class FastCoco:
    """Evaluates results on one data set.

    Args:
        truth: pycocotools' ``COCO`` of the data set.
        images: Ids of the images to judge.
        categories: Ids of the categories to judge, by label.
        most: pycocotools' ``maxDets``, three, rising.
        thresholds: IoU thresholds, rising, at most 16.
    """

    def __init__(
        self,
        truth: Any,
        images: Sequence[int],
        categories: Sequence[int],
        most: Sequence[int],
        thresholds: Sequence[float],
    ) -> None:
        import hotcoco

        self._api = truth
        self._truth = hotcoco.COCO(truth.dataset)
        self._labels = np.asarray(categories, dtype=np.int64)
        self._images, self._categories = np.unique(images), np.unique(categories)
        self._most, self._thresholds = list(most), np.asarray(thresholds, dtype=np.float64)
        self._last: Any = None
        self._loaded: Any = None
        seen, asked = set(images), set(categories)
        judged = [
            ann
            for ann in truth.dataset.get("annotations", [])
            if ann["image_id"] in seen and ann["category_id"] in asked
        ]
        self._annotations = judged
        self._objects = Objects(
            np.searchsorted(self._images, [ann["image_id"] for ann in judged]),
            np.searchsorted(self._categories, [ann["category_id"] for ann in judged]),
            np.array([ann["area"] for ann in judged], dtype=np.float64),
            crowd=np.array([ann.get("iscrowd", 0) for ann in judged], dtype=np.bool_),
        )

    def __call__(
        self, results: Sequence[dict[str, Any]], kinds: Sequence[str]
    ) -> dict[str, tuple[NDArray[np.float64], Matches]]:
        """Evaluates.

        Args:
            results: What mmdet's ``CocoMetric`` holds of each image; some detection among them.
            kinds: ``bbox``, ``segm`` or both.

        Returns:
            For each kind pycocotools' twelve statistics and what was matched.
        """
        often = [len(one["labels"]) for one in results]
        image = np.repeat([one["img_id"] for one in results], often)
        corners = np.concatenate([one["bboxes"] for one in results]).astype(np.float64)
        boxes = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
        label = np.concatenate([one["labels"] for one in results]).astype(np.int64)
        category = self._labels[label]
        judged = np.flatnonzero(np.isin(image, self._images))
        place = np.searchsorted(self._images, image[judged])
        by_category = np.searchsorted(self._categories, category[judged])
        every = len(judged) == len(image)
        shapes: list[dict[str, Any]] | None = None
        if "segm" in kinds:
            shapes = [shape for one in results for shape in one["masks"]]
        evaluated = {}
        for kind in kinds:
            masks = shapes if kind == "segm" else None
            name = "scores" if masks is None else "mask_scores"
            score = np.concatenate([one.get(name, one["scores"]) for one in results])
            score = score.astype(np.float64)
            # mmdet's: the area of a mask is its own, not its box's
            area = boxes[:, 2] * boxes[:, 3] if masks is None else _mask_areas(masks)
            columns = [image[:, None], boxes, score[:, None], category[:, None]]
            statistics = self._statistics(columns, shapes, area, kind)
            found = Objects(place, by_category, area[judged], score=score[judged])
            own = masks if masks is None or every else [masks[i] for i in judged.tolist()]
            evaluated[kind] = statistics, self._matches(found, boxes[judged], own)
        return evaluated

    def _load(self, columns: Sequence[NDArray[Any]], shapes: Sequence[Any] | None) -> Any:
        """Returns hotcoco's detections; the same for boxes and masks of the same scores."""
        table = np.concatenate(columns, axis=1, dtype=np.float64)
        if self._loaded is None or not np.array_equal(self._loaded[0], table):
            kept: Any = shapes
            self._loaded = table, self._truth.load_res(table, segmentation=kept)
        return self._loaded[1]

    def _statistics(
        self,
        columns: Sequence[NDArray[Any]],
        shapes: Sequence[Any] | None,
        area: NDArray[np.float64],
        kind: str,
    ) -> NDArray[np.float64]:
        import hotcoco

        detections = self._load(columns, shapes)
        detections.update_anns(ids=np.arange(1, len(area) + 1), area=area)
        fast = hotcoco.COCOeval(self._truth, detections, kind)
        plain = COCOeval(iouType=kind)
        for params in (fast.params, plain.params):
            params.imgIds, params.catIds = self._images.tolist(), self._categories.tolist()
            params.maxDets, params.iouThrs = self._most, self._thresholds
        fast.evaluate()
        fast.accumulate()
        # pycocotools' own summary of it: the same means to the last digit, the same print
        plain.eval = fast.eval
        plain.summarize()
        stats: NDArray[np.float64] = plain.stats
        return stats

    def _matches(
        self, found: Objects, boxes: NDArray[np.float64], shapes: list[dict[str, Any]] | None
    ) -> Matches:
        size = (len(self._images), len(self._categories))
        order, place, truth = self._ranked(found, size[0])
        if shapes is None:
            own = np.array([ann["bbox"] for ann in self._annotations], dtype=np.float64)
            crowd = self._objects.crowd
            assert crowd is not None
            iou = _box_iou(boxes[order[place]], own.reshape(-1, 4)[truth], crowd[truth])
        else:
            iou = self._mask_iou(found.area, order[place], truth, shapes)
        return match(found, order, self._objects, (place, truth, iou), self._thresholds, size)

    def _ranked(
        self, found: Objects, images: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Returns `ranked` and `pairs`; once for boxes and masks of the same scores."""
        assert found.score is not None
        columns = (found.image, found.category, found.score)
        same = self._last is not None and all(
            np.array_equal(one, other) for one, other in zip(self._last[0], columns, strict=True)
        )
        if not same:
            order = ranked(found, self._most[-1])
            self._last = columns, (order, *pairs(found, order, self._objects, images))
        kept: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]] = self._last[1]
        return kept

    def _mask_iou(
        self,
        area: NDArray[np.float64],
        found: NDArray[np.int64],
        truth: NDArray[np.int64],
        shapes: list[dict[str, Any]],
    ) -> NDArray[np.float64]:
        """Returns the IoU of pairs of masks; 0 where their areas say that it is too small to count.

        No IoU is above the smaller area over the larger one; a crowd's is another ratio.
        """
        from . import rle

        truths = [rle.compressed(self._api.annToRLE(ann)) for ann in self._annotations]
        own, crowd = _mask_areas(truths), self._objects.crowd
        assert crowd is not None
        most = np.minimum(area[found], own[truth]) / np.maximum(area[found], own[truth]).clip(1)
        able = np.flatnonzero(crowd[truth] | (most > self._thresholds[0] - 1e-6))
        able = able[np.argsort(found[able], kind="stable")]  # in the order they lie in memory
        found, truth = found[able], truth[able]
        iou = np.zeros(len(most))
        iou[able] = rle.iou(
            [shapes[i] for i in found.tolist()], [truths[i] for i in truth.tolist()], crowd[truth]
        )
        return iou


def _mask_areas(shapes: Sequence[dict[str, Any]]) -> NDArray[np.float64]:
    from . import rle  # numba takes some tenths of a second to import

    return rle.areas(shapes).astype(np.float64)


def _box_iou(
    found: NDArray[np.float64], truth: NDArray[np.float64], crowd: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Returns the IoU of pairs of boxes (x, y, w, h), in the order of pycocotools' ``bbIou``."""
    ends = np.minimum(found[:, 2:] + found[:, :2], truth[:, 2:] + truth[:, :2])
    sides = ends - np.maximum(found[:, :2], truth[:, :2])
    both = sides[:, 0] * sides[:, 1]
    area = found[:, 2] * found[:, 3]
    union = np.where(crowd, area, area + truth[:, 2] * truth[:, 3] - both)
    overlap = (sides > 0).all(axis=1)
    iou: NDArray[np.float64] = np.divide(both, union, out=np.zeros(len(both)), where=overlap)
    return iou
