"""The libraries' metrics without their rounding (mmdet: 3 decimals, mmseg: 2 of a percentage).

They keep what they had of each image, in ``per_sample``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mmdet.evaluation.metrics import CocoMetric, coco_metric
from mmengine.registry import METRICS
from mmseg.evaluation.metrics import IoUMetric

from ..per_sample import flatten_matches, pack_areas, pack_matches
from .evaluators import replace


# In the root registry, where the look-up of every OpenMMLab scope ends.
@METRICS.register_module()
class ExactCocoMetric(CocoMetric):  # type: ignore[misc]
    """mmdet's `CocoMetric` at full precision."""

    per_sample: dict[str, Any]

    def compute_metrics(self, results: list[Any]) -> dict[str, float]:
        """See `CocoMetric`; fractions."""
        module = vars(coco_metric)
        plain = module["COCOeval"]
        kinds: dict[str, Any] = {}

        class Kept(plain):  # type: ignore[misc, valid-type]
            def accumulate(self, p: Any = None) -> None:
                if self.params.useCats:  # not where proposals alone are judged
                    kinds[self.params.iouType] = flatten_matches(self)
                super().accumulate(p)

        # mmdet has no switch for either
        module["round"] = lambda value, digits: value
        module["COCOeval"] = Kept
        try:
            metrics: dict[str, float] = super().compute_metrics(results)
        finally:
            del module["round"]
            module["COCOeval"] = plain
        if not kinds:
            kinds = dict.fromkeys(self.metrics, flatten_matches(self._evaluate_nothing(plain)))
        self.per_sample = pack_matches({k: kinds[k] for k in ("bbox", "segm") if k in kinds})
        return metrics

    def _evaluate_nothing(self, plain: Any) -> Any:
        """Evaluates no detections, which mmdet leaves out: only the truths are looked at."""
        truth = self._coco_api
        empty = type(truth)()
        empty.dataset = {**truth.dataset, "annotations": []}
        empty.createIndex()
        evaluation = plain(truth, empty, "bbox")
        evaluation.params.catIds, evaluation.params.imgIds = self.cat_ids, self.img_ids
        evaluation.params.maxDets = list(self.proposal_nums)
        evaluation.params.iouThrs = self.iou_thrs
        evaluation.evaluate()
        return evaluation


@METRICS.register_module()
class ExactIoUMetric(IoUMetric):  # type: ignore[misc]
    """mmseg's `IoUMetric` at full precision: pixels of large sets are too many for float32."""

    per_sample: dict[str, Any]

    def compute_metrics(self, results: list[Any]) -> dict[str, float]:
        """See `IoUMetric`; percentages."""
        metrics: dict[str, float] = super().compute_metrics(results)
        parts = zip(*results, strict=True)
        totals = [torch.stack(part).sum(dim=0, dtype=torch.float64) for part in parts]
        exact = self.total_area_to_metrics(*totals, self.metrics, self.nan_to_num, self.beta)
        for name, values in exact.items():
            key = name if name == "aAcc" else f"m{name}"
            metrics[key] = float(np.nanmean(np.asarray(values, dtype=np.float64))) * 100
        # With nan_to_num a class without a pixel counts, which the kept counts do not say.
        self.per_sample = pack_areas(results) if self.nan_to_num is None else {}
        return metrics


def use_exact(config: Any) -> None:
    """Puts the exact metrics in the place of the libraries' in a config's evaluators.

    Args:
        config: Protocol config; changed in place.
    """
    replace(config, {name: f"Exact{name}" for name in ("CocoMetric", "IoUMetric")})
