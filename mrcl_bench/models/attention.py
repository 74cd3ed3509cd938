"""mmpretrain's attention, whose gradient is put together in one piece."""

from __future__ import annotations

import torch
from mmpretrain.models.utils import MultiheadAttention
from torch import nn


class UnboundAttention(MultiheadAttention):
    """Takes queries, keys and values apart at once.

    mmpretrain's indexes them one by one, for which the backward pass fills three tensors of
    their joint size with zeros and adds them. Parameters and results are the same.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Attends over tokens (B, N, C); returns (B, N, C)."""
        batch, length, _ = x.shape
        joint = self.qkv(x).reshape(batch, length, 3, self.num_heads, self.head_dims)
        query, key, value = joint.permute(2, 0, 3, 1, 4).unbind()
        dropped = self.attn_drop if self.training else 0.0
        found = self.scaled_dot_product_attention(query, key, value, dropout_p=dropped)
        found = self.proj(found.transpose(1, 2).reshape(batch, length, self.embed_dims))
        found = self.out_drop(self.gamma1(self.proj_drop(found)))
        return value.squeeze(1) + found if self.v_shortcut else found


def unbind_attention(network: nn.Module) -> None:
    """Makes every attention of mmpretrain's in a network one of these; its weights stay."""
    for part in network.modules():
        if type(part) is MultiheadAttention:
            part.__class__ = UnboundAttention
