"""Mask R-CNN on a COCO-format data set (mmdet)."""

from __future__ import annotations

from .classes import fill_coco_classes
from .context import Context, Outcome
from .samples import detection_arrays
from .train_eval import train_and_evaluate

_NAMES = {
    f"{kind}_{name}": f"{kind}_{name}"
    for kind in ("bbox", "segm")
    for name in ("mAP", "mAP_50", "mAP_75")
}


def run(context: Context) -> Outcome:
    """Trains a detector and reports COCO box and mask AP."""
    from .exact_metrics import use_exact

    fill_coco_classes(context.config)
    use_exact(context.config)
    return train_and_evaluate(
        context,
        _NAMES,
        scale=1.0,
        empty=dict.fromkeys(_NAMES, 0.0),
        to_arrays=detection_arrays,
    )
