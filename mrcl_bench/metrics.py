"""Scale, direction and display name of every metric.

A record's key is ``split/metric`` (``val/accuracy``). Adding a metric means adding one
entry here and writing it from an adapter.
"""

from __future__ import annotations

from dataclasses import dataclass

from .errors import unknown_name


@dataclass(frozen=True)
class Metric:
    """How a metric is shown.

    Attributes:
        display: Column title.
        scale: Factor from the record's native value to the table's number.
        digits: Decimals in tables.
        higher_is_better: Direction of "best".
    """

    display: str
    scale: float = 100.0
    digits: int = 1
    higher_is_better: bool = True


LOW_SHOTS = (1, 2, 4, 8, 16, 32, 64, 96)
"""Pictures per class of which low-shot protocols may report ``mAP_<k>``."""

METRICS = {
    "accuracy": Metric("top-1 %"),
    "bbox_mAP": Metric("box AP"),
    "bbox_mAP_50": Metric("box AP50"),
    "bbox_mAP_75": Metric("box AP75"),
    "segm_mAP": Metric("mask AP"),
    "segm_mAP_50": Metric("mask AP50"),
    "segm_mAP_75": Metric("mask AP75"),
    "mIoU": Metric("mIoU %"),
    "mAcc": Metric("mAcc %"),
    "aAcc": Metric("aAcc %"),
    "mAP": Metric("mAP %"),
    **{f"mAP_{k}": Metric(f"mAP %, k={k}") for k in LOW_SHOTS},
}


def metric_of(key: str) -> Metric:
    """Returns the metric behind a record key such as ``val/accuracy``.

    Raises:
        BenchError: The part behind the slash is not a known metric.
    """
    name = key.rsplit("/", 1)[-1]
    if name not in METRICS:
        raise unknown_name("metric", name, METRICS)
    return METRICS[name]
