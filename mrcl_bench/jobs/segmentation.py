"""Semantic segmentation on an ADE20K-layout data set (mmseg)."""

from __future__ import annotations

from .classes import fill_segmentation_classes
from .context import Context, Outcome
from .samples import segmentation_arrays
from .train_eval import train_and_evaluate


def run(context: Context) -> Outcome:
    """Trains a segmenter and reports mIoU, mean accuracy and pixel accuracy."""
    from .exact_metrics import use_exact

    fill_segmentation_classes(context.config)
    use_exact(context.config)
    names = {name: name for name in ("mIoU", "mAcc", "aAcc")}
    return train_and_evaluate(context, names, scale=0.01, to_arrays=segmentation_arrays)
