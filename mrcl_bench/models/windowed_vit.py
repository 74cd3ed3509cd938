"""ViTDet's backbone: a plain ViT with attention in windows and relative positions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmcv.cnn.bricks import DropPath
from mmengine.model import ModuleList
from mmengine.registry import MODELS
from mmpretrain.models import VisionTransformer
from mmpretrain.models.backbones.vit_sam import (
    TransformerEncoderLayer,
    window_partition,
    window_unpartition,
)
from mmpretrain.models.utils import resize_pos_embed


class _Block(TransformerEncoderLayer):
    """The block of mmpretrain's `ViTSAM`, whose attention has no stochastic depth, with it."""

    def __init__(self, *, drop_path_rate: float, **options: Any) -> None:
        super().__init__(drop_path_rate=drop_path_rate, **options)
        self.drop_path = DropPath(drop_path_rate)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Attends and transforms (B, rows, columns, C)."""
        y = self.ln1(x)
        if self.window_size:
            y, padded = window_partition(y, self.window_size)
            y = window_unpartition(self.attn(y), self.window_size, padded, x.shape[1:3])
        else:
            y = self.attn(y)
        x = x + self.drop_path(y)
        return self.ffn(self.ln2(x), identity=x)


# In the root registry, where the look-up of every OpenMMLab scope ends.
@MODELS.register_module()
class WindowedVisionTransformer(VisionTransformer):
    """A ViT whose blocks attend within windows, but for a few that attend to everything.

    After Li et al., arXiv 2203.16527, and detectron2's `ViT`. It takes the weights of mmpretrain's
    `VisionTransformer` of the same ``arch`` but for ``cls_token`` and the final norm ``ln1``, which
    it has not. Its relative positions (``layers.*.attn.rel_pos_h``, ``rel_pos_w``) are its own and
    begin with zeros: until they are trained, a block that attends to everything is a plain one.
    Positions stay on pretraining's grid and are resampled in every pass, as in detectron2.

    Args:
        arch: See `VisionTransformer`.
        img_size: Side of pretraining's images, pixels; the grid of ``pos_embed``.
        patch_size: Side of a patch, pixels.
        window_size: Side of a window, patches. The map is padded with zeros to whole windows.
        global_blocks: Indices of the blocks without windows.
        rel_pos_size: Side of the map that ``rel_pos_h`` and ``rel_pos_w`` of the global blocks are
            made for, patches; for other sizes they are resampled.
        drop_path_rate: Stochastic depth of the last block; rises linearly from 0.
        norm_cfg: Norm of the blocks.
        init_cfg: See mmengine's `BaseModule`.
    """

    def __init__(
        self,
        arch: str | dict[str, int] = "base",
        img_size: int = 224,
        patch_size: int = 16,
        window_size: int = 14,
        global_blocks: Sequence[int] = (2, 5, 8, 11),
        rel_pos_size: int = 64,
        drop_path_rate: float = 0.0,
        norm_cfg: dict[str, Any] | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        norm_cfg = norm_cfg or {"type": "LN", "eps": 1e-6}
        super().__init__(
            arch=arch,
            img_size=img_size,
            patch_size=patch_size,
            out_type="featmap",
            with_cls_token=False,
            final_norm=False,
            norm_cfg=norm_cfg,
            init_cfg=init_cfg,
        )
        unknown = [index for index in global_blocks if not 0 <= index < self.num_layers]
        if unknown:
            raise ValueError(f"global_blocks {unknown} of a network with {self.num_layers} blocks.")
        self.layers = ModuleList(
            _Block(
                embed_dims=self.embed_dims,
                num_heads=self.arch_settings["num_heads"],
                feedforward_channels=self.arch_settings["feedforward_channels"],
                drop_path_rate=float(rate),
                norm_cfg=norm_cfg,
                use_rel_pos=True,
                window_size=0 if index in global_blocks else window_size,
                input_size=(rel_pos_size, rel_pos_size),
            )
            for index, rate in enumerate(np.linspace(0, drop_path_rate, self.num_layers))
        )

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor]:
        """Encodes images (B, 3, H, W), sides multiples of a patch, into one map (B, C, h, w)."""
        x, grid = self.patch_embed(x)
        x = x + resize_pos_embed(
            self.pos_embed,
            self.patch_resolution,
            grid,
            mode=self.interpolate_mode,
            num_extra_tokens=0,
        )
        x = x.reshape(len(x), *grid, -1)
        for layer in self.layers:
            x = layer(x)
        return (x.permute(0, 3, 1, 2).contiguous(),)
