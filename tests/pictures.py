"""What a config's pipeline makes of a picture, without any file: loading steps are replaced."""

from __future__ import annotations

from typing import Any

import numpy as np

HEIGHT, WIDTH = 400, 600


def _labelled_picture(scope: str, picture: np.ndarray) -> dict[str, Any]:
    """What loading steps leave of one picture with two objects and as many regions."""
    height, width = picture.shape[:2]
    made: dict[str, Any] = {
        "img": picture,
        "img_shape": (height, width),
        "ori_shape": (height, width),
        "height": height,
        "width": width,
        "img_path": "made/picture.png",
        "img_id": 1,
        "sample_idx": 0,
        "gt_label": 0,
    }
    if scope == "mmseg":
        labels = np.zeros((height, width), np.uint8)
        labels[: height // 2, : width // 2] = 1
        labels[height // 3 :, width // 2 :] = 2
        made |= {"gt_seg_map": labels, "seg_fields": ["gt_seg_map"], "reduce_zero_label": False}
    elif scope == "mmdet":
        from mmdet.structures.bbox import HorizontalBoxes
        from mmdet.structures.mask import BitmapMasks

        boxes = np.array([[20, 30, width / 2, height / 2], [width / 3, 50, width - 9, height - 9]])
        masks = np.zeros((2, height, width), np.uint8)
        for mask, (left, top, right, bottom) in zip(masks, boxes.astype(int), strict=True):
            mask[top:bottom, left:right] = 1
        made |= {
            "gt_bboxes": HorizontalBoxes(boxes.astype(np.float32)),
            "gt_bboxes_labels": np.array([0, 1]),
            "gt_ignore_flags": np.array([False, False]),
            "gt_masks": BitmapMasks(masks, height, width),
        }
    return made


def through_pipeline(config: Any, loader: str, picture: np.ndarray | None = None) -> dict[str, Any]:
    """Takes a made picture through a loader's pipeline.

    Args:
        config: A resolved config whose types are registered; its scope is the default one.
        loader: ``train``, ``val`` or ``test``.
        picture: BGR, uint8; noise of 400 x 600 px if not given.

    Returns:
        What the pipeline packs: ``inputs`` and ``data_samples``.
    """
    from mmengine.registry import TRANSFORMS

    if picture is None:
        rng = np.random.default_rng(0)
        picture = rng.integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    results = _labelled_picture(config.default_scope, picture)
    for step in _pipeline(config[f"{loader}_dataloader"].dataset):
        if not str(step["type"]).rpartition(".")[2].startswith("Load"):
            results = TRANSFORMS.build(step)(results)
            assert results is not None, step
    return results


def _pipeline(dataset: Any) -> list[Any]:
    """The pipeline of a data set, however deep it lies in others."""
    if "pipeline" in dataset:
        return list(dataset.pipeline)
    inner = dataset.get("dataset") or dataset.datasets[0]
    return _pipeline(inner)


def network_sizes(
    config: Any, loader: str, picture: np.ndarray | None = None
) -> set[tuple[int, int]]:
    """Heights and widths in which a loader's picture enters the network, one per view."""
    from mmengine.registry import MODELS

    packed = through_pipeline(config, loader, picture)
    views = packed["inputs"] if isinstance(packed["inputs"], list) else [packed["inputs"]]
    if config.default_scope != "mmseg":
        return {tuple(view.shape[-2:]) for view in views}
    processor = MODELS.build(config.model.data_preprocessor)  # pads to the crop
    batch = {"inputs": views, "data_samples": [packed["data_samples"]]}
    return {tuple(processor(batch, training=loader == "train")["inputs"].shape[-2:])}
