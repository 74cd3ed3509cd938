"""Keeps a few pictures with truth and prediction beside a job, for reports to draw."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..atomic import write_atomic

Arrays = dict[str, Any]


def detection_arrays(sample: Any) -> Arrays:
    """Boxes (N, 4) as x1 y1 x2 y2 px, labels (N,), scores (N,) of one image.

    And masks (N, H, W), where the detector has any.
    """
    truth, guess = sample.gt_instances, sample.pred_instances
    boxes = truth.bboxes.tensor if hasattr(truth.bboxes, "tensor") else truth.bboxes
    found = {
        "true_boxes": boxes.cpu().numpy(),
        "true_labels": truth.labels.cpu().numpy(),
        "boxes": guess.bboxes.cpu().numpy(),
        "labels": guess.labels.cpu().numpy(),
        "scores": guess.scores.cpu().numpy(),
    }
    if "masks" in guess:
        masks = truth.masks.to_ndarray() if hasattr(truth.masks, "to_ndarray") else truth.masks
        found["true_masks"] = np.asarray(masks).astype(bool)
        found["masks"] = guess.masks.cpu().numpy().astype(bool)
    return found


def segmentation_arrays(sample: Any) -> Arrays:
    """True and predicted class index per pixel, (H, W); 255 is unlabelled."""
    return {
        "true_labels": sample.gt_sem_seg.data[0].cpu().numpy().astype(np.uint8),
        "labels": sample.pred_sem_seg.data[0].cpu().numpy().astype(np.uint8),
    }


def save_samples(runner: Any, to_arrays: Callable[[Any], Arrays], path: Path, weights: str) -> None:
    """Predicts the first batch of val once more and saves it with its truth.

    Args:
        runner: A Runner whose model has been trained; its val loader is not shuffled.
        to_arrays: Turns one data sample into named arrays.
        path: Destination, ``.npz``; the keys are ``<name>_<index>``, and ``classes`` and
            ``weights``.
        weights: Hash of the weights that the model began from.
    """
    import cv2
    import torch

    batch = next(iter(runner.val_dataloader))
    images = [image.permute(1, 2, 0).numpy()[..., ::-1] for image in batch["inputs"]]
    model = runner.model.module if hasattr(runner.model, "module") else runner.model
    model.eval()
    with torch.no_grad():
        predicted = model.val_step(batch)
    classes = runner.val_dataloader.dataset.metainfo.get("classes") or []
    arrays: Arrays = {"classes": np.array(classes, dtype=np.str_), "weights": np.array(weights)}
    for index, (image, sample) in enumerate(zip(images, predicted, strict=True)):
        # Truth and prediction are in the annotation's frame, the input may have been resized.
        height, width = sample.ori_shape[:2]
        arrays[f"image_{index}"] = cv2.resize(image.astype(np.uint8), (width, height))
        arrays.update({f"{name}_{index}": array for name, array in to_arrays(sample).items()})
    write_atomic(path, lambda file: np.savez_compressed(file, **arrays))
