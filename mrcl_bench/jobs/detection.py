"""Detectors of mmdet, with masks or without, on data sets in COCO's or Pascal VOC's format."""

from __future__ import annotations

from typing import Any

from ..data.check.preflight import check_instances
from .classes import annotation_files, fill_coco_classes
from .context import Context, Outcome
from .samples import detection_arrays
from .train_eval import train_and_evaluate


def run(context: Context) -> Outcome:
    """Trains a detector and reports COCO box AP, and mask AP where it has masks."""
    from .exact_metrics import use_exact

    if context.job.protocol.data != "coco":  # that one was looked at before any job
        check_instances(annotation_files(context.config))
    fill_coco_classes(context.config)
    use_exact(context.config)
    kinds = [kind for kind in ("bbox", "segm") if kind in _measured(context.config.val_evaluator)]
    names = {f"{kind}_{ap}": f"{kind}_{ap}" for kind in kinds for ap in ("mAP", "mAP_50", "mAP_75")}
    return train_and_evaluate(
        context,
        names,
        scale=1.0,
        empty=dict.fromkeys(names, 0.0),
        to_arrays=detection_arrays,
    )


def _measured(evaluator: Any) -> list[str]:
    """What the evaluators of a config measure, by `CocoMetric`'s words."""
    found: list[str] = []
    for one in evaluator if isinstance(evaluator, list | tuple) else [evaluator]:
        metric = one.get("metric", "bbox")
        found += [metric] if isinstance(metric, str) else metric
    return found
