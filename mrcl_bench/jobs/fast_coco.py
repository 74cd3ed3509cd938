"""COCO's average precision by hotcoco, a port of pycocotools to Rust.

What pycocotools takes minutes for takes a second. hotcoco does not hand out its matches at that
speed, so those that a record keeps of each image are made beside it (`mrcl_bench.per_sample`).
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
    """Says whether hotcoco is installed; nothing but speed depends on it."""
    return importlib.util.find_spec("hotcoco") is not None


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
        self, results: Sequence[dict[str, Any]], kind: str
    ) -> tuple[NDArray[np.float64], Matches]:
        """Evaluates.

        Args:
            results: What mmdet's ``CocoMetric`` holds of each image; some detection among them.
            kind: ``bbox`` or ``segm``.

        Returns:
            pycocotools' twelve statistics; what was matched.
        """
        import hotcoco

        often = [len(one["labels"]) for one in results]
        image = np.repeat([one["img_id"] for one in results], often)
        corners = np.concatenate([one["bboxes"] for one in results]).astype(np.float64)
        boxes = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1)
        name = "mask_scores" if kind == "segm" else "scores"
        score = np.concatenate([one.get(name, one["scores"]) for one in results]).astype(np.float64)
        label = np.concatenate([one["labels"] for one in results]).astype(np.int64)
        category = self._labels[label]
        table = np.concatenate(
            [image[:, None], boxes, score[:, None], category[:, None]], axis=1, dtype=np.float64
        )
        shapes: list[Any] | None = None
        if kind == "segm":
            shapes = [shape for one in results for shape in one["masks"]]
            area = np.asarray(hotcoco.mask.area(shapes), dtype=np.float64)
            detections = self._truth.load_res(table, segmentation=shapes)
            # mmdet's: the area of a mask is its own, not its box's
            detections.update_anns(ids=np.arange(1, len(area) + 1), area=area)
        else:
            area = boxes[:, 2] * boxes[:, 3]
            detections = self._truth.load_res(table)
        judged = np.flatnonzero(np.isin(image, self._images))
        found = Objects(
            np.searchsorted(self._images, image[judged]),
            np.searchsorted(self._categories, category[judged]),
            area[judged],
            score=score[judged],
        )
        kept = [shapes[i] for i in judged] if shapes is not None else None
        return self._statistics(detections, kind), self._matches(found, boxes[judged], kept)

    def _statistics(self, detections: Any, kind: str) -> NDArray[np.float64]:
        import hotcoco

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
            able = self._able(found.area, order[place], truth)
            place, truth = place[able], truth[able]
            iou = self._mask_iou(order, place, truth, shapes)
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

    def _able(
        self, area: NDArray[np.float64], found: NDArray[np.int64], truth: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Says which pairs of masks could overlap enough, by their areas: few have to be looked at.

        No IoU is above the smaller area over the larger one; a crowd's is another ratio.
        """
        from hotcoco import mask

        if not len(truth):
            return np.ones(0, dtype=np.bool_)
        own = np.asarray(mask.area([self._api.annToRLE(ann) for ann in self._annotations]))
        one, other = area[found], own.astype(np.float64)[truth]
        crowd = self._objects.crowd
        assert crowd is not None
        most = np.minimum(one, other) / np.maximum(np.maximum(one, other), 1)
        able: NDArray[np.bool_] = crowd[truth] | (most > self._thresholds[0] - 1e-6)
        return able

    def _mask_iou(
        self,
        order: NDArray[np.int64],
        place: NDArray[np.int64],
        truth: NDArray[np.int64],
        shapes: list[dict[str, Any]],
    ) -> NDArray[np.float64]:
        """Returns the IoU of each pair; those of a truth come from one call."""
        from hotcoco import mask

        iou = np.zeros(len(place))
        by_truth = np.argsort(truth, kind="stable")
        ends = np.flatnonzero(np.diff(truth[by_truth])) + 1
        for rows in np.split(by_truth, ends) if len(place) else []:
            ann = self._annotations[int(truth[rows[0]])]
            asked = [shapes[i] for i in order[place[rows]].tolist()]
            own = self._api.annToRLE(ann)
            iou[rows] = mask.iou(asked, [own], [bool(ann.get("iscrowd", 0))])[:, 0]
        return iou


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
