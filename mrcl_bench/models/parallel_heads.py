"""A linear probe at several learning rates at once: one head each on one frozen backbone.

Which learning rate is right differs between methods a hundredfold (swav#38), so a fair probe
tries several. The frozen backbone is by far the dearest part of a probe, and the heads do not
need one of their own: as in VISSL and DINOv2, all of them read the same features of the same
batches. No head can tell that the others are there: the losses are added, so each head gets the
gradient of its own loss, every optimiser here treats parameters one by one, and all start from
the same weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModule
from mmengine.optim import DefaultOptimWrapperConstructor, OptimWrapper
from mmengine.registry import OPTIM_WRAPPERS, OPTIMIZERS
from mmpretrain.models import ImageClassifier
from mmpretrain.registry import METRICS, MODELS, OPTIM_WRAPPER_CONSTRUCTORS
from mmpretrain.structures import DataSample
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional


@MODELS.register_module()
class FrozenClassifier(ImageClassifier):  # type: ignore[misc]
    """mmpretrain's `ImageClassifier` whose backbone is a constant.

    The backbone is always in evaluation mode: batch norm in training mode would follow the new
    data even where nothing has a gradient. Takes what `ImageClassifier` takes.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.backbone.requires_grad_(False)

    def train(self, mode: bool = True) -> FrozenClassifier:
        """Switches everything but the backbone."""
        super().train(mode)
        self.backbone.eval()
        return self

    def extract_feat(self, inputs: torch.Tensor, stage: str = "neck") -> Any:
        """See `ImageClassifier.extract_feat`; without gradients."""
        with torch.no_grad():
            return super().extract_feat(inputs, stage)


@MODELS.register_module()
class ParallelLinearHeads(BaseModule):  # type: ignore[misc]
    """One linear classifier per learning rate, and at most one norm that all of them share.

    Heads compute in single precision whatever the backbone does.

    Args:
        lr: Learning rates, ascending; `OneRatePerHead` gives head i the i-th.
        num_classes: Number of classes.
        in_channels: Length C of a feature.
        std: Deviation of the first weights; biases start at zero.
        truncated: Whether they are drawn from a truncated normal distribution.
        norm_eps: If given, features pass a batch norm without affine parameters with this epsilon.

    Attributes:
        chosen: Index of the one head that predicts; ``None`` while all do.
    """

    def __init__(
        self,
        lr: Sequence[float],
        num_classes: int,
        in_channels: int,
        std: float = 0.01,
        truncated: bool = False,
        norm_eps: float | None = None,
    ) -> None:
        super().__init__()
        self.lr = [float(rate) for rate in lr]
        if self.lr != sorted(set(self.lr)) or not self.lr:
            raise ValueError(f"learning rates must be ascending, not {self.lr}.")
        self.std = std
        self.truncated = truncated
        self.chosen: int | None = None
        self.norm = (
            None if norm_eps is None else nn.BatchNorm1d(in_channels, affine=False, eps=norm_eps)
        )
        # skip_init draws nothing, so that the number of heads leaves the random numbers alone
        self.linears = nn.ModuleList(
            nn.utils.skip_init(nn.Linear, in_channels, num_classes) for _ in self.lr
        )
        self.init_weights()

    def init_weights(self) -> None:
        """Draws the first head's weights; the others are copies."""
        first = self.linears[0]
        draw = nn.init.trunc_normal_ if self.truncated else nn.init.normal_
        draw(first.weight, std=self.std)
        nn.init.zeros_(first.bias)
        for linear in self.linears[1:]:
            linear.load_state_dict(first.state_dict())

    def forward(self, feats: Any) -> list[torch.Tensor]:
        """Computes scores.

        Args:
            feats: Features (N, C), or a tuple whose last entry they are.

        Returns:
            Scores (N, classes) of each head, or of the chosen one alone.
        """
        x = feats[-1] if isinstance(feats, tuple | list) else feats
        linears = self.linears if self.chosen is None else [self.linears[self.chosen]]
        with torch.autocast(x.device.type, enabled=False):
            x = x.float()
            if self.norm is not None:
                x = self.norm(x)
            return [linear(x) for linear in linears]

    def loss(self, feats: Any, data_samples: list[DataSample]) -> dict[str, torch.Tensor]:
        """The sum of all heads' cross-entropies, and each of them for the log."""
        target = torch.cat([sample.gt_label for sample in data_samples])
        losses = [functional.cross_entropy(scores, target) for scores in self(feats)]
        logged = {
            f"cross_entropy_{rate:g}": loss.detach()
            for rate, loss in zip(self.lr, losses, strict=True)
        }
        return {"loss": torch.stack(losses).sum(), **logged}

    def predict(self, feats: Any, data_samples: list[DataSample]) -> list[DataSample]:
        """Writes ``head_labels``, the predicted class of each head, into every data sample."""
        labels = torch.stack([scores.argmax(dim=1) for scores in self(feats)], dim=1)
        for sample, row in zip(data_samples, labels, strict=True):
            sample.set_field(row, "head_labels")
        return data_samples


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class OneRatePerHead(DefaultOptimWrapperConstructor):  # type: ignore[misc]
    """Optimises the heads of a `ParallelLinearHeads` alone, each at its own learning rate.

    Schedules scale every group by the same factor. ``paramwise_cfg`` may hold ``bias``: further
    options of the biases' groups, such as ``dict(lars_exclude=True)``.
    """

    def __call__(self, model: nn.Module) -> OptimWrapper:
        """Builds the wrapper; the optimiser's own ``lr`` is overruled by the heads'."""
        head = getattr(model, "module", model).head
        of_bias = (self.paramwise_cfg or {}).get("bias", {})
        groups = [
            {"params": [parameter], "lr": rate, **(of_bias if name == "bias" else {})}
            for rate, linear in zip(head.lr, head.linears, strict=True)
            for name, parameter in linear.named_parameters()
        ]
        optimizer = OPTIMIZERS.build({**self.optimizer_cfg, "params": groups})
        wrapper = {"type": "OptimWrapper", **self.optim_wrapper_cfg, "optimizer": optimizer}
        return OPTIM_WRAPPERS.build(wrapper)


@METRICS.register_module()
class HeadAccuracy(BaseMetric):  # type: ignore[misc]
    """Top-1 accuracy of every head that predicted, as a fraction.

    Attributes:
        right: After evaluation on the main process: whether each picture (N, heads) was right.
    """

    default_prefix = "head"
    right: NDArray[np.bool_]

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Compares one batch."""
        for sample in data_samples:
            self.results.append((sample["head_labels"] == sample["gt_label"]).cpu().numpy())

    def compute_metrics(self, results: list[Any]) -> dict[str, float]:
        """Index of the head to its accuracy."""
        self.right = np.stack(results)
        return {str(head): float(share) for head, share in enumerate(self.right.mean(axis=0))}
