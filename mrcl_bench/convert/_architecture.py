"""Reads a backbone's architecture off its weights."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from ..errors import BenchError
from .positions import square_side

if TYPE_CHECKING:
    from torch import Tensor

KNOWN_HEADS = {128: 4, 192: 3, 384: 6, 768: 12, 1024: 16, 1280: 16}
"""Width to heads of DeiT-Ti/S (arXiv:2012.12877) and ViT-B/L/H (arXiv:2010.11929); 128 is the ViT
of this project's small recipes."""
TRAITS = ("num_heads", "norm_eps", "activation", "style", "img_size", "prefix_positions")
"""What weights do not show, or not always."""

Activation = Literal["gelu", "gelu_tanh", "quick_gelu"]


class Architecture(BaseModel):
    """What the weights' names and shapes tell, and the traits that they do not.

    Attributes:
        label: Short name, e.g. ``"vit-192x6-p8"`` (width x depth, patch) or ``"resnet-50"``.
        type: Family of the backbone; ``other`` has no numbers.
        embed_dims: Width of the tokens (ViT), or channels of the last stage (ResNet).
        depth: Transformer layers, or ResNet's number of weighted layers with the classifier (the
            50 of ResNet-50).
        patch: Patch side in pixels (ViT).
        img_size: Side of the square image, in pixels, that the position embedding is made for.
        num_heads: Attention heads (ViT); None where nothing tells them.
        mlp_dims: Hidden width of the MLP (ViT).
        cls_token: Whether there is a class token (ViT).
        register_tokens: Number of register tokens (ViT).
        prefix_positions: Rows of the position embedding before those of the patches (ViT).
        qkv_bias: Whether query, key and value have a bias (ViT).
        patch_bias: Whether the patch projection has one (ViT).
        layer_scale: Whether both branches are scaled by channel (ViT).
        final_norm: Where the last norm stands: on all tokens, after pooling, at both places, or
            nowhere (ViT).
        pre_norm: Whether there is a norm before the first layer (ViT).
        norm_eps: Epsilon of the layer norms (ViT).
        activation: Of the MLP (ViT).
        block: Kind of residual block (ResNet).
        base_width: Inner width of a bottleneck of the first stage; 64, wide ones 128 (ResNet).
        style: Whether the 3x3 (``pytorch``) or the first 1x1 convolution of a bottleneck has the
            stride (ResNet).
        deep_stem: Whether three 3x3 convolutions stand for the first 7x7 one (ResNet).
        avg_down: Whether the shortcut is pooled instead of strided (ResNet).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str
    type: Literal["vit", "resnet", "other"]
    embed_dims: int | None = None
    depth: int | None = None
    patch: int | None = None
    img_size: int | None = None
    num_heads: int | None = None
    mlp_dims: int | None = None
    cls_token: bool = True
    register_tokens: int = 0
    prefix_positions: int = 1
    qkv_bias: bool = True
    patch_bias: bool = True
    layer_scale: bool = False
    final_norm: Literal["tokens", "pooled", "both", "none"] = "tokens"
    pre_norm: bool = False
    norm_eps: float = 1e-6
    activation: Activation = "gelu"
    block: Literal["basic", "bottleneck"] | None = None
    base_width: int = 64
    style: Literal["pytorch", "caffe"] = "pytorch"
    deep_stem: bool = False
    avg_down: bool = False

    @property
    def heads(self) -> int:
        """The number of attention heads.

        Raises:
            BenchError: Nothing tells it, or it does not divide the width.
        """
        if self.num_heads is None:
            raise BenchError(
                f"weights do not show attention heads, and a ViT {self.embed_dims} wide has no "
                "usual number.",
                "Give it with --heads.",
            )
        if (self.embed_dims or 0) % self.num_heads:
            raise BenchError(
                f"{self.num_heads} attention heads do not divide the width {self.embed_dims}.",
                "Give the right number with --heads.",
            )
        return self.num_heads


def read_architecture(
    weights: Mapping[str, Tensor], traits: Mapping[str, Any] | None = None
) -> Architecture:
    """Recognises ViTs and ResNets; anything else is ``other``, without numbers.

    Heads are not in the weights: they come from the traits, else from `KNOWN_HEADS`, else they
    are the width / 64 where that is whole, else None.

    Args:
        weights: Backbone key to tensor, by the common names; see `mrcl_bench.convert.dialects`.
        traits: What weights do not show, by the names in `TRAITS`; None values count as absent.

    Returns:
        The architecture.

    Raises:
        BenchError: A trait is unknown or has a value that it cannot have.
    """
    given = {key: value for key, value in (traits or {}).items() if value is not None}
    if unknown := sorted(given.keys() - set(TRAITS)):
        raise BenchError(
            f"unknown traits of a network: {', '.join(unknown)}.", f"There is: {', '.join(TRAITS)}."
        )
    layers = {int(m[1]) for m in map(re.compile(r"layers\.(\d+)\.").match, weights) if m}
    if layers and "patch_embed.projection.weight" in weights:
        found = _vit(weights, max(layers) + 1, given)
    elif "layer1.0.conv1.weight" in weights:
        found = _resnet(weights)
    else:
        return Architecture(label="other", type="other")
    if found["type"] == "other":
        return Architecture(**found)
    try:
        return Architecture(**{**found, **given})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise BenchError(
            f"the network's {name} cannot be {first['input']!r}: {first['msg']}.",
            f"Give another {name}.",
        ) from None


def _vit(weights: Mapping[str, Tensor], depth: int, given: Mapping[str, Any]) -> dict[str, Any]:
    projection = weights["patch_embed.projection.weight"]
    width, patch = projection.shape[0], projection.shape[-1]
    registers = weights["register_tokens"].shape[1] if "register_tokens" in weights else 0
    cls_token = "cls_token" in weights
    prefix, side = int(cls_token) + registers, None
    if "pos_embed" in weights:
        rows = weights["pos_embed"].shape[1]
        # with all prefix tokens, with the class token alone, or with none of them
        choices = (prefix, int(cls_token), 0)
        if "prefix_positions" in given:
            choices = (given["prefix_positions"],) * 3
        prefix = next((n for n in choices if square_side(rows - n)), prefix)
        side = square_side(rows - prefix)
    norms = ("ln1.weight" in weights, "ln2.weight" in weights)
    placing = {(True, False): "tokens", (False, True): "pooled", (True, True): "both"}
    mlp = weights.get("layers.0.ffn.layers.0.0.weight")
    heads = KNOWN_HEADS.get(width, None if width % 64 else width // 64)
    return {
        "label": f"vit-{width}x{depth}-p{patch}",
        "type": "vit",
        "embed_dims": width,
        "depth": depth,
        "patch": patch,
        "img_size": side and side * patch,
        "num_heads": heads,
        "mlp_dims": None if mlp is None else mlp.shape[0],
        "cls_token": cls_token,
        "register_tokens": registers,
        "prefix_positions": prefix,
        "qkv_bias": "layers.0.attn.qkv.bias" in weights,
        "patch_bias": "patch_embed.projection.bias" in weights,
        "layer_scale": "layers.0.attn.gamma1.weight" in weights,
        "final_norm": placing.get(norms, "none"),
        "pre_norm": "pre_norm.weight" in weights,
    }


def _resnet(weights: Mapping[str, Tensor]) -> dict[str, Any]:
    found = map(re.compile(r"layer(\d+)\.(\d+)\.conv(\d+)\.weight$").match, weights)
    convolutions = [tuple(int(part) for part in match.groups()) for match in found if match]
    depth = len(convolutions) + 2  # the first convolution and the classifier
    stage, block, number = max(convolutions)
    last = weights[f"layer{stage}.{block}.conv{number}.weight"]
    inner = weights.get("layer1.0.conv2.weight")
    if inner is not None and inner.ndim > 1 and inner.shape[1] * 2 <= inner.shape[0]:
        return {"label": f"resnext-{depth}", "type": "other"}  # grouped convolutions
    bottleneck = "layer1.0.conv3.weight" in weights
    width = 64
    if bottleneck and inner is not None:
        planes = weights["layer1.0.conv3.weight"].shape[0] // 4
        width = 64 * inner.shape[0] // max(planes, 1)
    return {
        "label": f"resnet-{depth}" if width == 64 else f"wide-resnet-{depth}-{width / 64:g}",
        "type": "resnet",
        "embed_dims": last.shape[0],
        "depth": depth,
        "block": "bottleneck" if bottleneck else "basic",
        "base_width": width,
        "deep_stem": "stem.0.weight" in weights,
        "avg_down": "layer2.0.downsample.2.weight" in weights,
    }
