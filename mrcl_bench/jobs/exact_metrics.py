"""The libraries' metrics without their rounding (mmdet: 3 decimals, mmseg: 2 of a percentage)."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmdet.evaluation.metrics import CocoMetric, coco_metric
from mmengine.registry import METRICS
from mmseg.evaluation.metrics import IoUMetric


# In the root registry, where the look-up of every OpenMMLab scope ends.
@METRICS.register_module()
class ExactCocoMetric(CocoMetric):  # type: ignore[misc]
    """mmdet's `CocoMetric` at full precision."""

    def compute_metrics(self, results: list[Any]) -> dict[str, float]:
        """See `CocoMetric`; fractions."""
        module = vars(coco_metric)
        module["round"] = lambda value, digits: value  # mmdet has no switch for it
        try:
            metrics: dict[str, float] = super().compute_metrics(results)
        finally:
            del module["round"]
        return metrics


@METRICS.register_module()
class ExactIoUMetric(IoUMetric):  # type: ignore[misc]
    """mmseg's `IoUMetric` at full precision."""

    def compute_metrics(self, results: list[Any]) -> dict[str, float]:
        """See `IoUMetric`; percentages."""
        metrics: dict[str, float] = super().compute_metrics(results)
        totals = [sum(part) for part in zip(*results, strict=True)]
        exact = self.total_area_to_metrics(*totals, self.metrics, self.nan_to_num, self.beta)
        for name, values in exact.items():
            key = name if name == "aAcc" else f"m{name}"
            metrics[key] = float(np.nanmean(np.asarray(values, dtype=np.float64))) * 100
        return metrics


def use_exact(config: Any) -> None:
    """Puts the exact metrics in the place of the libraries' in a config's evaluators.

    Args:
        config: Protocol config; changed in place.
    """
    for name in ("val_evaluator", "test_evaluator"):
        evaluator = config.get(name)
        for one in evaluator if isinstance(evaluator, list | tuple) else [evaluator]:
            if one is not None and one["type"] in ("CocoMetric", "IoUMetric"):
                one["type"] = f"Exact{one['type']}"
