"""mmpretrain's accuracy, which keeps what it had of each image."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.registry import METRICS
from mmpretrain.evaluation.metrics import Accuracy

from .scores import of_truth


# In the root registry, where the look-up of every OpenMMLab scope ends.
@METRICS.register_module()
class KeptAccuracy(Accuracy):  # type: ignore[misc]
    """`Accuracy` with correctness and score in ``per_sample``, in the order of the data set.

    mmengine has put the results of several processes in that order, without padding.
    """

    per_sample: dict[str, Any]

    def compute_metrics(self, results: list[Any]) -> dict[str, float]:
        """See `Accuracy`."""
        metrics: dict[str, float] = super().compute_metrics(results)
        truth = torch.cat([one["gt_label"] for one in results]).numpy()
        scored = "pred_score" in results[0]
        if scored:
            scores = torch.stack([one["pred_score"] for one in results]).float()
            guess = scores.topk(max(self.topk), dim=1)[1][:, 0].numpy()  # ties as in `calculate`
        else:
            guess = torch.cat([one["pred_label"] for one in results]).numpy()
        self.per_sample = {"correct": guess == truth}
        if scored:
            self.per_sample["score"] = of_truth(scores.numpy(), truth)
        return metrics
