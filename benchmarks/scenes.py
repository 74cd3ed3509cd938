"""Random scenes with objects, as mmdet's detectors take them."""

from __future__ import annotations

from typing import Any


def batch(images: int, side: int, objects: int = 3) -> dict[str, Any]:
    """Draws pictures of noise and objects in them, from torch's generator.

    Args:
        images: Number of pictures.
        side: Of each picture, in pixels.
        objects: Of each picture; their labels are 0, 1, ...

    Returns:
        ``inputs`` (images, 3, side, side), normalised, and ``data_samples`` with boxes and masks.
    """
    import numpy as np
    import torch
    from mmdet.structures import DetDataSample
    from mmdet.structures.mask import BitmapMasks
    from mmengine.structures import InstanceData

    samples = []
    for _ in range(images):
        corner = torch.rand(objects, 2) * 0.4 * side
        boxes = torch.cat([corner, corner + (0.2 + torch.rand(objects, 2) * 0.4) * side], dim=1)
        masks = np.zeros((objects, side, side), dtype=np.uint8)
        for mask, (left, top, right, bottom) in zip(masks, boxes.int().tolist(), strict=True):
            mask[top:bottom, left:right] = 1
        shape = (side, side)
        sample = DetDataSample(
            metainfo={"img_shape": shape, "batch_input_shape": shape, "pad_shape": shape}
        )
        sample.gt_instances = InstanceData(
            bboxes=boxes, labels=torch.arange(objects), masks=BitmapMasks(masks, side, side)
        )
        sample.ignored_instances = InstanceData(bboxes=boxes[:0])
        samples.append(sample)
    return {"inputs": torch.randn(images, 3, side, side), "data_samples": samples}
