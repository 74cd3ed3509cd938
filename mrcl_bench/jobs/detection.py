"""Detectors of mmdet, with masks or without, on data sets in COCO's or Pascal VOC's format."""

from __future__ import annotations

from .classes import fill_coco_classes
from .context import Context, Outcome
from .samples import detection_arrays
from .train_eval import train_and_evaluate


def run(context: Context) -> Outcome:
    """Trains a detector and reports COCO box AP, and mask AP where it has masks."""
    from .exact_metrics import use_exact

    fill_coco_classes(context.config)
    use_exact(context.config)
    kinds = ["bbox"]
    if context.config.model.roi_head.get("mask_head") is not None:
        kinds.append("segm")
    names = {f"{kind}_{ap}": f"{kind}_{ap}" for kind in kinds for ap in ("mAP", "mAP_50", "mAP_75")}
    return train_and_evaluate(
        context,
        names,
        scale=1.0,
        empty=dict.fromkeys(names, 0.0),
        to_arrays=detection_arrays,
    )
