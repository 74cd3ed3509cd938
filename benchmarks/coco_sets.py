"""Random detection sets of any size, with what makes COCO evaluation hard."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as masks

WIDTH, HEIGHT = 640, 480


def detections(
    images: int, per_image: int, classes: int = 80, truths: int = 7, seed: int = 0
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Draws truths and detections: some near a truth, most of them not, with ties in score.

    Args:
        images: Number of images.
        per_image: Detections of each.
        classes: Number of categories; the last never occurs.
        truths: Mean number of truths of an image; one in 40 is a crowd.
        seed: Of everything.

    Returns:
        Data set in COCO's form; the results of each image as mmdet's ``CocoMetric`` holds them.
    """
    rng = np.random.default_rng(seed)
    annotations: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for image in range(images):
        number = int(rng.poisson(truths))
        own = _boxes(rng, number)
        labels = rng.integers(0, max(classes - 1, 1), number)
        crowd = rng.uniform(size=number) < 1 / 40
        for box, label, many, mask in zip(own, labels, crowd, _ellipses(own), strict=True):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image + 1,
                    "category_id": int(label) + 1,
                    "bbox": box.tolist(),
                    "area": float(masks.area(mask)),
                    "iscrowd": int(many),
                    "segmentation": _text(mask),
                }
            )
        near = rng.integers(0, max(number, 1), per_image)
        hits = (rng.uniform(size=per_image) < 0.3) & (number > 0)
        found = _boxes(rng, per_image)
        guess = rng.integers(0, max(classes - 1, 1), per_image)
        if number:
            moved = own[near] + rng.normal(0, 0.06, (per_image, 4)) * np.tile(own[near, 2:], 2)
            moved[:, 2:] = np.maximum(moved[:, 2:], 2)
            found = np.where(hits[:, None], moved, found)
            guess = np.where(hits & (rng.uniform(size=per_image) < 0.9), labels[near], guess)
        score = np.round(rng.uniform(size=per_image), 3).astype(np.float32)  # ties
        corners = np.concatenate([found[:, :2], found[:, :2] + found[:, 2:]], axis=1)
        results.append(
            {
                "img_id": image + 1,
                "bboxes": corners.astype(np.float32),
                "scores": score,
                "labels": guess,
                "masks": [dict(mask) for mask in _ellipses(found)],
            }
        )
    return {
        "images": [{"id": i + 1, "width": WIDTH, "height": HEIGHT} for i in range(images)],
        "categories": [{"id": c + 1, "name": f"class {c + 1}"} for c in range(classes)],
        "annotations": annotations,
    }, results


def _boxes(rng: np.random.Generator, number: int) -> NDArray[np.float64]:
    side = np.exp(rng.uniform(np.log(10), np.log(240), (number, 2)))
    corner = rng.uniform(0, 1, (number, 2)) * ((WIDTH, HEIGHT) - side)
    return np.concatenate([corner, side], axis=1).round(2)


def _ellipses(boxes: NDArray[np.float64]) -> list[dict[str, Any]]:
    """Returns the ellipse in each box, run-length encoded."""
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1) * 0.5 + 0.5
    polygons = [(box[:2] + circle * box[2:]).ravel().tolist() for box in boxes]
    encoded: list[dict[str, Any]] = masks.frPyObjects(polygons, HEIGHT, WIDTH) if polygons else []
    return encoded


def _text(mask: dict[str, Any]) -> dict[str, Any]:
    return {"size": mask["size"], "counts": mask["counts"].decode()}
