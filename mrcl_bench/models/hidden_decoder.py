"""MAE's decoder for what was hidden alone."""

from __future__ import annotations

import torch
from mmpretrain.models.necks import MAEPretrainDecoder
from mmpretrain.registry import MODELS
from torch.nn import functional

from .attention import unbind_attention


@MODELS.register_module()
class HiddenDecoder(MAEPretrainDecoder):
    """mmpretrain's `MAEPretrainDecoder` that can leave out what no loss looks at.

    All tokens are keys and values to the end, but in the last block nothing else of those that
    were visible is used. Parameters, names and the plain call are `MAEPretrainDecoder`'s.
    """

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        unbind_attention(self.decoder_blocks)

    def hidden(
        self, tokens: torch.Tensor, ids_restore: torch.Tensor, channels: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Predicts hidden patches.

        Args:
            tokens: (B, 1 + K, C), class token first, as `MaskedViT` gives them out.
            ids_restore: (B, L), place of each patch in the shuffled order.
            channels: Of the images.

        Returns:
            Predictions (B, L - K, P), equal but for rounding to those of the plain call, but
            channel by channel instead of pixel by pixel, and the place (B, L - K) of each among
            the image's patches.
        """
        shuffle = ids_restore.argsort(dim=1)
        count = ids_restore.shape[1] - tokens.shape[1] + 1
        x = self.decoder_embed(tokens)
        mask_tokens = self.mask_token.expand(len(x), count, -1)
        # Positions say where a token belongs, so that the shuffled order can stay.
        position = self.decoder_pos_embed[0]
        where = torch.cat([shuffle.new_zeros(len(x), 1), 1 + shuffle], dim=1)
        x = torch.cat([x, mask_tokens], dim=1) + position[where]
        for block in self.decoder_blocks[:-1]:
            x = block(x)
        for block in self.decoder_blocks[-1:]:  # none in a decoder without blocks
            x = _block_for_last(block, x, count)
        x = self.decoder_norm(x[:, -count:])
        # Pixels lie channel by channel in images: to turn these weights is cheaper than targets.
        weight, bias = (
            value.unflatten(0, (-1, channels)).transpose(0, 1).flatten(0, 1)
            for value in (self.decoder_pred.weight, self.decoder_pred.bias)
        )
        return functional.linear(x, weight, bias), shuffle[:, -count:]


def _block_for_last(block: torch.nn.Module, x: torch.Tensor, count: int) -> torch.Tensor:
    """Returns what a `TransformerEncoderLayer` without any dropout makes of the last tokens."""
    attention, length = block.attn, x.shape[1]

    def heads(value: torch.Tensor) -> torch.Tensor:
        return value.unflatten(-1, (attention.num_heads, attention.head_dims)).transpose(-3, -2)

    normed, width = block.ln1(x), attention.embed_dims
    weights = attention.qkv.weight.split([width, 2 * width])
    biases = attention.qkv.bias.split([width, 2 * width])
    query = functional.linear(normed[:, length - count :], weights[0], biases[0])
    key, value = functional.linear(normed, weights[1], biases[1]).chunk(2, dim=-1)
    found = attention.scaled_dot_product_attention(heads(query), heads(key), heads(value))
    x = x[:, length - count :] + attention.proj(found.transpose(1, 2).flatten(2))
    return block.ffn(block.ln2(x), identity=x)
