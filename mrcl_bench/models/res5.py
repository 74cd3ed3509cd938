"""The last stage of a ResNet as the head of a C4 detector, with MoCo's norm behind it (mmdet)."""

from __future__ import annotations

from typing import Any

import torch
from mmcv.cnn import build_norm_layer
from mmdet.models.roi_heads.shared_heads.res_layer import ResLayer
from mmengine.registry import MODELS


# In the root registry, where mmdet's look-up ends.
@MODELS.register_module()
class Res5WithNorm(ResLayer):  # type: ignore[misc]
    """mmdet's `ResLayer` of the last stage, followed by one more norm without an activation.

    Source: `Res5ROIHeadsExtraNorm` in facebookresearch/moco, `detection/train_net.py`. The stage's
    keys are those of a whole ResNet (``layer4.0.conv1.weight``), the norm's begin with ``norm.``.

    Args:
        depth: Of the ResNet.
        norm_cfg: Of the stage and of the norm behind it.
        **options: See `ResLayer`.
    """

    def __init__(self, depth: int, norm_cfg: dict[str, Any], **options: Any) -> None:
        super().__init__(depth=depth, stage=3, norm_cfg=norm_cfg, **options)
        channels = self.layer4[-1].norm3.num_features if depth >= 50 else 512
        self.norm = build_norm_layer(norm_cfg, channels)[1]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Turns regions (N, C, 14, 14) of the stage before into (N, 2 C, 7, 7)."""
        out: torch.Tensor = self.norm(super().forward(x))
        return out
