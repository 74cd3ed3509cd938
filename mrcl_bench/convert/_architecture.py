"""Reads a backbone's architecture off its weights."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from torch import Tensor


class Architecture(BaseModel):
    """What the weights' names and shapes tell.

    Attributes:
        label: Short name, e.g. ``"vit-192x6-p8"`` (width x depth, patch) or ``"resnet-50"``.
        type: Family of the backbone.
        embed_dims: Width of the tokens (ViT), or channels of the last stage (ResNet).
        depth: Transformer layers, or ResNet's number of weighted layers with the classifier (the
            50 of ResNet-50).
        patch: Patch side in pixels (ViT).
        img_size: Side of the square image, in pixels, that the position embedding is made for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str
    type: Literal["vit", "resnet", "other"]
    embed_dims: int | None = None
    depth: int | None = None
    patch: int | None = None
    img_size: int | None = None


def read_architecture(weights: Mapping[str, Tensor]) -> Architecture:
    """Recognises mmpretrain's ViT and ResNet; anything else is ``other``, without numbers.

    Args:
        weights: Backbone key to tensor.

    Returns:
        The architecture.
    """
    layers = {int(m[1]) for m in map(re.compile(r"layers\.(\d+)\.").match, weights) if m}
    if layers and "patch_embed.projection.weight" in weights:
        return _vit(weights, max(layers) + 1)
    if "layer1.0.conv1.weight" in weights:
        return _resnet(weights)
    return Architecture(label="other", type="other")


def _vit(weights: Mapping[str, Tensor], depth: int) -> Architecture:
    projection = weights["patch_embed.projection.weight"]
    width, patch = projection.shape[0], projection.shape[-1]
    img_size = None
    if "pos_embed" in weights:
        tokens = weights["pos_embed"].shape[1] - int("cls_token" in weights)
        side = round(tokens**0.5)
        img_size = side * patch if side * side == tokens else None
    return Architecture(
        label=f"vit-{width}x{depth}-p{patch}",
        type="vit",
        embed_dims=width,
        depth=depth,
        patch=patch,
        img_size=img_size,
    )


def _resnet(weights: Mapping[str, Tensor]) -> Architecture:
    found = map(re.compile(r"layer(\d+)\.(\d+)\.conv(\d+)\.weight$").match, weights)
    convolutions = [tuple(int(part) for part in match.groups()) for match in found if match]
    depth = len(convolutions) + 2  # the first convolution and the classifier
    stage, block, number = max(convolutions)
    last = weights[f"layer{stage}.{block}.conv{number}.weight"]
    return Architecture(
        label=f"resnet-{depth}", type="resnet", embed_dims=last.shape[0], depth=depth
    )
