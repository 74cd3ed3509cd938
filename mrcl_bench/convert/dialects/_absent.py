"""What one library's network must have and another's lacks: filled with negative zeros.

Adding -0.0 changes no floating-point number, not even by its sign, so that a bias or a position of
negative zeros is the same function as none. No initialisation or training leaves a whole tensor of
them, so that the way back knows them and takes them out: round trips stay bit-identical. (A class
token of negative zeros is for networks that take it off again before their first layer.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from .._architecture import Architecture


def negative_zeros(shape: tuple[int, ...], like: Tensor) -> Tensor:
    """Returns a tensor of -0.0 of the dtype and device of ``like``."""
    return like.new_full(shape, -0.0)


def is_absent(tensor: Tensor) -> bool:
    """Whether all is -0.0; a tensor without storage is not."""
    if tensor.is_meta or not tensor.is_floating_point() or not tensor.numel():
        return False
    return bool(((tensor == 0) & tensor.signbit()).all())


def fill(
    weights: Mapping[str, Tensor],
    architecture: Architecture,
    *,
    class_token: bool = False,
    position_rows: int | None = None,
    qkv_bias: bool = False,
    patch_bias: bool = False,
) -> dict[str, Tensor]:
    """Fills what a ViT lacks, by the common names.

    Args:
        weights: Common name to tensor.
        architecture: As read off them.
        class_token: Whether there must be a class token.
        position_rows: Rows that the position embedding must have before the patches'; those that
            it lacks are put after the first that it has (the class token's goes first).
        qkv_bias: Whether query, key and value must have a bias.
        patch_bias: Whether the patch projection must have a bias.

    Returns:
        A new dict.
    """
    filled = dict(weights)
    if class_token and "cls_token" not in filled:
        position = filled["pos_embed"]
        filled["cls_token"] = negative_zeros((1, 1, position.shape[-1]), position)
    if position_rows:
        position = filled["pos_embed"]
        have = architecture.prefix_positions
        if position_rows > have:
            lacking = (1, position_rows - have, position.shape[-1])
            parts = (position[:, :have], negative_zeros(lacking, position), position[:, have:])
            filled["pos_embed"] = _concatenate(*parts)
    for name in [name for name in filled if name.endswith(".attn.qkv.weight")] if qkv_bias else ():
        bias = name.removesuffix("weight") + "bias"
        if bias not in filled:
            filled[bias] = negative_zeros((filled[name].shape[0],), filled[name])
    projection = "patch_embed.projection"
    if patch_bias and f"{projection}.bias" not in filled:
        weight = filled[f"{projection}.weight"]
        filled[f"{projection}.bias"] = negative_zeros((weight.shape[0],), weight)
    return filled


def strip(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Takes out, by the common names, what `fill` put in.

    Args:
        weights: Common name to tensor.

    Returns:
        A new dict, the kept tensors the same objects.
    """
    kept = dict(weights)
    position = kept.get("pos_embed")
    if position is not None and position.ndim == 3:
        registers = kept["register_tokens"].shape[1] if "register_tokens" in kept else 0
        most = int("cls_token" in kept) + registers
        keep = [n for n in range(position.shape[1]) if n >= most or not is_absent(position[:, n])]
        if len(keep) < position.shape[1]:
            kept["pos_embed"] = position[:, keep]
    if "cls_token" in kept and is_absent(kept["cls_token"]):
        del kept["cls_token"]
    for name in [name for name in kept if name.endswith((".attn.qkv.bias", "projection.bias"))]:
        if is_absent(kept[name]):
            del kept[name]
    return kept


def _concatenate(*parts: Tensor) -> Tensor:
    import torch

    return torch.cat(parts, dim=1)
