"""The libraries' metrics without their rounding (mmdet: 3 decimals, mmseg: 2 of a percentage).

They keep what they had of each image, in ``per_sample``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmdet.evaluation.metrics import CocoMetric, coco_metric
from mmengine.logging import MMLogger
from mmengine.registry import METRICS
from mmseg.evaluation.metrics import IoUMetric

from ..engine.left_out import left_out
from ..per_sample import Matches, flatten_matches, pack_areas, pack_matches
from .evaluators import replace
from .fast_coco import FastCoco, available

_ITEMS = ("mAP", "mAP_50", "mAP_75", "mAP_s", "mAP_m", "mAP_l")
"""What mmdet reports, in the order of pycocotools' statistics."""


# In the root registry, where the look-up of every OpenMMLab scope ends.
@METRICS.register_module()
class ExactCocoMetric(CocoMetric):  # type: ignore[misc]
    """mmdet's `CocoMetric` at full precision.

    By hotcoco where it is installed, with pycocotools' numbers; by pycocotools for what hotcoco
    is not asked here (proposals, tables per class, files of results).
    """

    per_sample: dict[str, Any]
    cat_ids: Any
    img_ids: Any
    plain = False
    """Whether pycocotools is to be used even so."""

    def compute_metrics(self, results: list[Any]) -> dict[str, float]:
        """See `CocoMetric`; fractions."""
        predictions = [prediction for _, prediction in results]
        if left_out() is not None:  # truths of an image that nobody showed are no misses
            shown = {one["img_id"] for one in predictions}
            self.img_ids = [number for number in self._coco_api.get_img_ids() if number in shown]
        if self._is_usual(predictions) and not self.plain and available():
            return self._compute_fast(predictions)
        return self._compute_plain(results)

    def _is_usual(self, predictions: Sequence[dict[str, Any]]) -> bool:
        """Says whether boxes and masks are to be judged in the usual way, and there are some."""
        kinds = set(self.metrics)
        masks = all("masks" in one for one in predictions)
        special = self.classwise or self.format_only or self.outfile_prefix or self.metric_items
        return (
            self._coco_api is not None
            and not special
            and kinds <= ({"bbox", "segm"} if masks else {"bbox"})
            and any(len(one["labels"]) for one in predictions)
            and len(self.proposal_nums) == 3
            and sorted(self.proposal_nums) == list(self.proposal_nums)
            and np.ndim(self.iou_thrs) == 1
            and len(self.iou_thrs) <= 16
            and bool(np.all(np.diff(self.iou_thrs) > 0))
        )

    def _compute_fast(self, predictions: Sequence[dict[str, Any]]) -> dict[str, float]:
        if self.cat_ids is None:
            self.cat_ids = self._coco_api.get_cat_ids(cat_names=self.dataset_meta["classes"])
        if self.img_ids is None:
            self.img_ids = self._coco_api.get_img_ids()
        judge = FastCoco(
            self._coco_api, self.img_ids, self.cat_ids, self.proposal_nums, self.iou_thrs
        )
        metrics: dict[str, float] = {}
        kinds: dict[str, Matches] = {}
        for kind, (stats, matches) in judge(predictions, self.metrics).items():
            kinds[kind] = matches
            for item, value in zip(_ITEMS, stats, strict=False):
                metrics[f"{kind}_{item}"] = float(value)
            shown = " ".join(f"{value:.3f}" for value in stats[: len(_ITEMS)])
            MMLogger.get_current_instance().info(f"{kind}_mAP_copypaste: {shown}")
        self.per_sample = pack_matches({k: kinds[k] for k in ("bbox", "segm") if k in kinds})
        return metrics

    def _compute_plain(self, results: list[Any]) -> dict[str, float]:
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
