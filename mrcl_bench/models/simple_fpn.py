"""The simple feature pyramid of ViTDet (Li et al., arXiv 2203.16527)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from mmengine.registry import MODELS
from mmpretrain.models.utils import LayerNorm2d
from torch import nn
from torch.nn import functional


def _resampler(channels: int, scale: float) -> tuple[nn.Module, int]:
    """Builds the layers that change a map's size by `scale`.

    Returns:
        The layers and their output channels.
    """
    if scale == 4:
        layers = nn.Sequential(
            nn.ConvTranspose2d(channels, channels // 2, 2, stride=2),
            LayerNorm2d(channels // 2, eps=1e-6),
            nn.GELU(),
            nn.ConvTranspose2d(channels // 2, channels // 4, 2, stride=2),
        )
        return layers, channels // 4
    if scale == 2:
        return nn.ConvTranspose2d(channels, channels // 2, 2, stride=2), channels // 2
    if scale == 1:
        return nn.Identity(), channels
    if scale in (0.5, 0.25, 0.125):
        step = int(1 / scale)
        return nn.MaxPool2d(step, stride=step), channels
    raise ValueError(f"scale factor {scale} is none of 4, 2, 1, 0.5, 0.25, 0.125.")


# In the root registry, where the lookup of every OpenMMLab scope ends: mmdet and mmseg
# find it by its bare name and neither has to be imported here.
@MODELS.register_module()
class SimpleFPN(BaseModule):
    """Builds all pyramid levels from the last map of a plain ViT.

    Args:
        in_channels: Channels of the map; must be divisible by 4 if a scale of 4 is asked.
        out_channels: Channels of every level.
        scale_factors: Size of each level relative to the map, finest first, each of 4,
            2, 1, 0.5, 0.25, 0.125. For strides 4, 8, 16, 32: ``(4, 2, 1, 0.5)`` at patch
            16, ``(2, 1, 0.5, 0.25)`` at patch 8.
        num_outs: Number of levels given out; those beyond `scale_factors` are
            subsampled from the coarsest, as mmdet's `FPN` does. Defaults to none extra.
        init_cfg: See mmengine's `BaseModule`.

    Raises:
        ValueError: If a scale is unknown or `num_outs` is less than the scales.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int = 256,
        scale_factors: Sequence[float] = (4, 2, 1, 0.5),
        num_outs: int | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        num_outs = len(scale_factors) if num_outs is None else num_outs
        if num_outs < len(scale_factors):
            raise ValueError(f"num_outs {num_outs} is less than {len(scale_factors)} scales.")
        self.num_extra = num_outs - len(scale_factors)
        self.levels = nn.ModuleList()
        for scale in scale_factors:
            resample, width = _resampler(in_channels, scale)
            self.levels.append(
                nn.Sequential(
                    resample,
                    nn.Conv2d(width, out_channels, 1, bias=False),
                    LayerNorm2d(out_channels, eps=1e-6),
                    nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False),
                    LayerNorm2d(out_channels, eps=1e-6),
                )
            )

    def forward(self, inputs: Sequence[torch.Tensor] | torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Builds the levels.

        Args:
            inputs: A map (B, in_channels, h, w), or the backbone's tuple, of which the
                last is used.

        Returns:
            `num_outs` maps (B, out_channels, h * scale, w * scale), rounded down.
        """
        x = inputs if isinstance(inputs, torch.Tensor) else inputs[-1]
        outs = [level(x) for level in self.levels]
        for _ in range(self.num_extra):
            outs.append(functional.max_pool2d(outs[-1], 1, stride=2))
        return tuple(outs)
