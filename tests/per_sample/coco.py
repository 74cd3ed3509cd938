"""Small COCO data sets and detections, drawn at random, with everything that makes AP awkward."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

SIDE = 100
Drawn = list[tuple[list[dict[str, Any]], list[dict[str, Any]]]]


def draw(
    seed: int, images: int = 12, categories: int = 4, coarse: bool = True, crowd: float = 0.15
) -> Drawn:
    """Draws truths and detections per image.

    Category ``categories`` has no truth, some truths are crowds, image 0 is empty, and scores are
    coarse, so that they tie within and across images.
    """
    rng = np.random.default_rng(seed)
    drawn: Drawn = []
    for image in range(images):
        truths, found = [], []
        for _ in range(0 if image == 0 else rng.integers(0, 7)):
            corner, side = rng.uniform(0, 60, 2), rng.uniform(10, 35, 2)
            box = np.concatenate([corner, side]).round(1)
            category = int(rng.integers(1, max(2, categories)))
            truths.append(
                {"bbox": box.tolist(), "category_id": category,
                 "iscrowd": int(rng.uniform() < crowd)}
            )  # fmt: skip
            for _ in range(rng.integers(0, 4)):
                moved = box + rng.normal(0, rng.choice([0.5, 3, 8]), 4)
                moved[2:] = np.maximum(moved[2:], 2)
                other = int(rng.integers(1, categories + 1))
                found.append({"bbox": moved, "category_id": rng.choice([category, other])})
        for _ in range(rng.integers(0, 4)):
            box = np.concatenate([rng.uniform(0, 60, 2), rng.uniform(5, 30, 2)])
            found.append({"bbox": box, "category_id": rng.integers(1, categories + 1)})
        for one in found:
            score = rng.integers(1, 5) / 4 if coarse else np.float32(rng.uniform())
            one |= {"bbox": [float(v) for v in one["bbox"]], "score": float(score)}
            one["category_id"] = int(one["category_id"])
        drawn.append((truths, found))
    return drawn


def evaluate(
    drawn: Drawn,
    kind: str = "bbox",
    often: np.ndarray | None = None,
    categories: int = 4,
    most: tuple[int, ...] = (100, 300, 1000),
) -> COCOeval:
    """Evaluates a data set that holds each image so often, its copies one after another."""
    often = np.ones(len(drawn), dtype=int) if often is None else often
    data: dict[str, Any] = {
        "images": [],
        "annotations": [],
        "categories": [{"id": c, "name": str(c)} for c in range(1, categories + 1)],
    }
    results: list[dict[str, Any]] = []
    for image, (truths, found) in enumerate(drawn):
        for copy in range(often[image]):
            name = 1000 * image + copy
            data["images"].append({"id": name, "width": SIDE, "height": SIDE})
            for truth in truths:
                number = len(data["annotations"]) + 1
                x, y, w, h = truth["bbox"]
                data["annotations"].append(
                    {**truth, "id": number, "image_id": name, "area": w * h,
                     "segmentation": [[x, y, x + w, y, x + w, y + h, x, y + h]]}
                )  # fmt: skip
            for one in found:
                x, y, w, h = one["bbox"]
                result = {**one, "image_id": name}
                if kind == "segm":
                    del result["bbox"]
                    result["segmentation"] = [[x, y, x + w, y, x + w, y + h, x, y + h]]
                results.append(result)
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = data
        truth.createIndex()
        for annotation in data["annotations"]:
            if annotation["iscrowd"]:
                annotation["segmentation"] = _rle(annotation["segmentation"])
        if kind == "segm":
            for result in results:
                result["segmentation"] = _rle(result["segmentation"])
        evaluation = COCOeval(truth, truth.loadRes(results), kind)
        evaluation.params.maxDets = list(most)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation


def _rle(polygon: list[list[float]]) -> Any:
    from pycocotools import mask

    return mask.merge(mask.frPyObjects(polygon, SIDE, SIDE))
