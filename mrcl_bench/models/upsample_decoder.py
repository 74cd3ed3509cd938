"""A light decoder from a convolutional backbone's last map to pixels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmcv.cnn import ConvModule
from mmengine.model import BaseModule
from mmpretrain.registry import MODELS
from torch import nn
from torch.nn import functional


@MODELS.register_module()
class UpsampleDecoder(BaseModule):
    """Doubles the map a few times with 3x3 convolutions, then shuffles channels to pixels.

    Args:
        in_channels: Channels of the map (C5: 512 or 2048).
        width: Channels inside the decoder.
        stride: The map's stride in pixels, a multiple of ``2 ** num_upsamples``.
        num_upsamples: How many doublings come before the shuffle.
        image_channels: Channels of the image.
        norm_cfg: Norm of the inner convolutions.
        init_cfg: See mmengine's `BaseModule`.

    Raises:
        ValueError: If the stride is no multiple of the doublings.
    """

    def __init__(
        self,
        in_channels: int,
        width: int = 64,
        stride: int = 32,
        num_upsamples: int = 3,
        image_channels: int = 3,
        norm_cfg: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        shuffle, rest = divmod(stride, 2**num_upsamples)
        if rest or shuffle < 1:
            raise ValueError(f"stride {stride} is no multiple of 2 ** {num_upsamples}.")
        norm_cfg = norm_cfg or dict(type="BN")
        self.reduce = ConvModule(in_channels, width, 1, norm_cfg=norm_cfg)
        self.convs = nn.ModuleList(
            ConvModule(width, width, 3, padding=1, norm_cfg=norm_cfg) for _ in range(num_upsamples)
        )
        self.to_pixels = nn.Conv2d(width, image_channels * shuffle**2, 1)
        self.shuffle = nn.PixelShuffle(shuffle)

    def forward(self, x: torch.Tensor, size: Sequence[int]) -> torch.Tensor:
        """Paints an image.

        Args:
            x: Feature map, (B, C, h, w).
            size: Height and width of the image; where the stride does not divide it,
                the map overhangs and is resampled to it.

        Returns:
            (B, image_channels, H, W), unbounded.
        """
        x = self.reduce(x)
        for conv in self.convs:
            x = conv(functional.interpolate(x, scale_factor=2.0, mode="nearest"))
        x = self.shuffle(self.to_pixels(x))
        if tuple(x.shape[-2:]) != tuple(size):
            x = functional.interpolate(x, size=tuple(size), mode="bilinear", align_corners=False)
        return x
