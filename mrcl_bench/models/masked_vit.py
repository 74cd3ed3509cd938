"""A Vision Transformer that encodes only the visible patches."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmpretrain.models.selfsup import MAEViT
from mmpretrain.models.utils import resize_pos_embed
from mmpretrain.registry import MODELS
from torch.nn import functional

from .attention import unbind_attention
from .patches import gather_patches


def visible_count(total: int, mask_ratio: float) -> int:
    """Returns how many of `total` patches stay visible, by MAE's rounding.

    Args:
        total: Number of patches (or cells) of an image.
        mask_ratio: Share to hide, in [0, 1).

    Raises:
        ValueError: If the ratio is out of range or hides every patch.
    """
    if not 0.0 <= mask_ratio < 1.0:
        raise ValueError(f"mask_ratio must lie in [0, 1), got {mask_ratio}.")
    keep = int(total * (1 - mask_ratio))
    if keep < 1:
        raise ValueError(
            f"mask_ratio {mask_ratio} hides all {total} patches; "
            "lower it or take smaller patches or a larger image."
        )
    return keep


@MODELS.register_module()
class MaskedViT(MAEViT):
    """mmpretrain's `MAEViT` with the mask ratio as an argument of the call.

    Parameters and their names are those of `mmpretrain.VisionTransformer` (for any
    `out_type` but ``"avg_featmap"``, which adds a norm), so weights load there with no
    missing or unexpected key. Initialisation is MAE's, which needs a square `img_size`.

    Args:
        out_type: What the call without a mask returns, see `VisionTransformer`.
        trainable_pos_embed: Whether the positions, which start as 2D sin-cos, are
            learned. mmpretrain freezes them in MAE and MoCo v3, so the default is
            False for a like comparison.
        **kwargs: Those of `MAEViT` except `mask_ratio`.
    """

    def __init__(
        self, out_type: str = "featmap", trainable_pos_embed: bool = False, **kwargs
    ) -> None:
        if "mask_ratio" in kwargs:
            raise TypeError("MaskedViT takes no mask_ratio; give it to MRCL.")
        super().__init__(out_type=out_type, **kwargs)
        unbind_attention(self.layers)
        if trainable_pos_embed:
            self.pos_embed.requires_grad = True

    def forward(
        self, x: torch.Tensor | Sequence[torch.Tensor], mask_ratio: float | None = None
    ) -> tuple[torch.Tensor, ...]:
        """Encodes images, whole or in part.

        Args:
            x: Normalised images, (B, 3, H, W); any size that the patch size divides. With a
                ratio it may be several such batches of one size, which are encoded as one.
            mask_ratio: Share of the patches hidden per image, in [0, 1), drawn from
                torch's generator; None gives the plain `VisionTransformer` output.

        Returns:
            Without a ratio, the tuple of `VisionTransformer`. With one:
            tokens (B, 1 + K, C), class token first, of the K visible patches after the
            final norm, in shuffled order unless the ratio is 0; mask (B, L), 1 where
            hidden; ids_restore (B, L), the place of each patch in the shuffled order.

        Raises:
            ValueError: If the ratio is out of range or hides every patch.
        """
        if mask_ratio is None:
            return super().forward(x, mask=None)

        parts = (x,) if isinstance(x, torch.Tensor) else tuple(x)
        stem, sides = self.patch_embed.projection, parts[0].shape[2:]
        tiled = stem.kernel_size == stem.stride and all(
            side % patch == 0 for side, patch in zip(sides, stem.stride, strict=True)
        )
        tokens = None
        if mask_ratio > 0 and tiled:
            resolution = (sides[0] // stem.stride[0], sides[1] // stem.stride[1])
        else:
            # To join tokens is cheaper than to join pictures.
            embedded = [self.patch_embed(part) for part in parts]
            tokens, resolution = torch.cat([one for one, _ in embedded]), embedded[0][1]
        batch, length = sum(map(len, parts)), resolution[0] * resolution[1]
        visible = visible_count(length, mask_ratio)
        pos = resize_pos_embed(
            self.pos_embed,
            self.patch_resolution,
            resolution,
            mode=self.interpolate_mode,
            num_extra_tokens=self.num_extra_tokens,
        )
        if mask_ratio > 0:
            place = pos[:, 1:].expand(batch, -1, -1)
            place, mask, ids_restore = self.random_masking(place, mask_ratio)
            chosen = ids_restore.argsort(dim=1)[:, :visible]
            shown = self._embed(parts, chosen) if tokens is None else _rows(tokens, chosen)
            tokens = shown + place
        else:
            # Shuffling would be harmless but costs a gather and the exact equality
            # with the unmasked network.
            tokens = tokens + pos[:, 1:]
            mask = tokens.new_zeros(batch, length, dtype=torch.float32)
            ids_restore = torch.arange(length, device=tokens.device).expand(batch, -1)

        cls = (self.cls_token + pos[:, :1]).expand(batch, -1, -1)
        tokens = self.pre_norm(self.drop_after_pos(torch.cat((cls, tokens), dim=1)))
        for layer in self.layers:
            tokens = layer(tokens)
        if self.final_norm:
            tokens = self.norm1(tokens)
        return tokens, mask, ids_restore

    def _embed(self, parts: Sequence[torch.Tensor], chosen: torch.Tensor) -> torch.Tensor:
        """Projects chosen patches (B, K) of images that patches tile to tokens (B, K, C)."""
        stem, norm = self.patch_embed.projection, self.patch_embed.norm
        places = chosen.split([len(part) for part in parts])
        patches = [
            gather_patches(part, where, stem.stride)
            for part, where in zip(parts, places, strict=True)
        ]
        weight = stem.weight.flatten(1)
        tokens = torch.cat([functional.linear(one, weight, stem.bias) for one in patches])
        return tokens if norm is None else norm(tokens)


def _rows(values: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """Gathers rows (B, K) of (B, L, C)."""
    return values.gather(1, chosen.unsqueeze(-1).expand(-1, -1, values.shape[-1]))
