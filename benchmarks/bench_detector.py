"""A training step of Mask R-CNN with mmdet's layers and with ours in their places."""

from __future__ import annotations

import time
from typing import Any

from . import timing

SIZES = (("mask-rcnn_vit-128x4_fpn", 96, 8, 9), ("mask-rcnn_resnet50_fpn", 512, 1, 3))
"""Model file, side of the pictures, their number and turns."""


def measure(quick: bool) -> list[timing.Measurement]:
    """Forward and backward pass on random scenes, the Mask R-CNN of `tiny` and that of COCO.

    Only on a CPU: with a GPU mmcv's own kernels are used by both.
    """
    from mmengine.logging import MMLogger

    MMLogger.get_instance("mmengine").setLevel("ERROR")
    return [_step(*size, quick) for size in (SIZES[:1] if quick else SIZES)]


def _step(name: str, side: int, images: int, turns: int, quick: bool) -> timing.Measurement:
    import torch
    from mmdet.registry import MODELS
    from mmengine.registry import DefaultScope

    import mrcl_bench.models  # noqa: F401
    from mrcl_bench.catalog import config_root
    from mrcl_bench.engine.quicker import quicken
    from mrcl_bench.resolve import load_config

    from .scenes import batch

    config = load_config(config_root() / f"_base_/models/{name}.py").model
    steps = {}
    gradients = {}
    for how in ("mmdet's layers", "ours"):
        torch.manual_seed(0)
        with DefaultScope.overwrite_default_scope("mmdet"):
            model = MODELS.build(config).train()
        if how == "ours":
            quicken(model)
        steps[how] = _of(model, batch(images, side))
        torch.manual_seed(1)
        steps[how]()  # compiles
        gradients[how] = [one.grad for one in model.parameters() if one.grad is not None]
    equal = all(torch.equal(*pair) for pair in zip(*gradients.values(), strict=True))
    seconds = timing.interleave(steps, 1 if quick else turns, time.process_time)
    return timing.Measurement(
        f"Forward and backward pass, {name}, {images} x {side} px, time of the processor",
        seconds,
        "mmdet's layers",
        notes={"gradients are the same bits": "yes" if equal else "no"},
        items=images,
    )


def _of(model: Any, scenes: dict[str, Any]) -> Any:
    def step() -> None:
        model.zero_grad()
        total, _ = model.parse_losses(model(**scenes, mode="loss"))
        total.backward()

    return step
