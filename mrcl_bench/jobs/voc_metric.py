"""COCO's box AP on Pascal VOC, where "difficult" objects count neither as found nor as missed."""

from __future__ import annotations

from typing import Any

from mmdet.evaluation.metrics import coco_metric
from mmengine.registry import METRICS
from pycocotools.cocoeval import COCOeval

from .exact_metrics import ExactCocoMetric


class _DifficultEval(COCOeval):  # type: ignore[misc]
    """COCO's evaluation with VOC's overlap for objects that are to be ignored.

    COCO measures the overlap with a crowd against the detection's area alone, because a crowd has
    no border between its members. A difficult object is one object: its overlap is the usual one.
    As in VOC's devkit, any number of detections may fall on it.
    """

    def computeIoU(self, imgId: Any, catId: Any) -> Any:  # noqa: N802, N803, D102
        truth = self._gts[imgId, catId]
        flags = [entry["iscrowd"] for entry in truth]
        try:
            for entry in truth:
                entry["iscrowd"] = 0
            return super().computeIoU(imgId, catId)
        finally:
            for entry, flag in zip(truth, flags, strict=True):
                entry["iscrowd"] = flag


# In the root registry, where mmdet's look-up ends.
@METRICS.register_module()
class VOCMetricByCoco(ExactCocoMetric):
    """Box AP over IoU 0.5 to 0.95, AP50 and AP75, each over COCO's 101 recalls.

    Truth comes from the data set itself, whose ``ignore_flag`` marks the difficult objects. Not
    VOC's own measure: see docs/protocols-detection.md.

    Args:
        **options: See mmdet's `CocoMetric`; ``ann_file`` is not taken.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(ann_file=None, metric="bbox", **options)

    def compute_metrics(self, results: list[Any]) -> dict[str, float]:
        """See `CocoMetric`; fractions."""
        module = vars(coco_metric)
        kept = module["COCOeval"]
        module["COCOeval"] = _DifficultEval  # mmdet has no switch for it
        try:
            return super().compute_metrics(results)
        finally:
            module["COCOeval"] = kept
