"""mmpretrain's VisionTransformer, whose names are the common ones, and its ResNet.

Names read off onedl-mmpretrain 1.3.6: ``mmpretrain/models/backbones``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from . import _mm
from ._absent import fill, strip
from ._expected import check
from ._hollow import no_such_network
from ._names import Names
from ._resnets import BODY, PLAIN_STEM, is_resnet

if TYPE_CHECKING:
    from torch import Tensor, nn

    from .._architecture import Architecture

DESCRIBES = "mmpretrain's VisionTransformer and ResNet"
NAMES = (
    "cls_token",
    "pos_embed",
    "patch_embed.projection.*",
    "pre_norm.*",
    "layers.#.ln1.*",
    "layers.#.attn.qkv.*",
    "layers.#.attn.proj.*",
    "layers.#.attn.gamma1.weight",
    "layers.#.ln2.*",
    "layers.#.ffn.layers.0.0.*",
    "layers.#.ffn.layers.1.*",
    "layers.#.ffn.gamma2.weight",
    "ln1.*",
    "ln2.*",
)
VIT = Names("mmpretrain", [(name, name) for name in NAMES])
_PLACES = ((0, 0), (3, 1), (6, 2))
STEM = [
    *((f"stem.{common}.*", f"stem.{ours}.conv.*") for common, ours in _PLACES),
    *((f"stem.{common + 1}.*", f"stem.{ours}.bn.*") for common, ours in _PLACES),
]
RESNET = Names("mmpretrain", [*BODY, *PLAIN_STEM, *STEM])
_DOWN = "layer1.0.downsample."


def to_common(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """See `Dialect`; what is neither a ViT nor a ResNet passes as it is."""
    if is_resnet(weights):
        moved = _moved(weights, 1) if "layer2.0.downsample.2.weight" in weights else dict(weights)
        return RESNET.to_common(moved)
    if "patch_embed.projection.weight" not in weights:
        return dict(weights)
    return strip(weights)


def from_common(weights: Mapping[str, Tensor], architecture: Architecture) -> dict[str, Tensor]:
    """See `Dialect`."""
    check(weights, architecture)
    if architecture.type == "resnet":
        _mm.resnet_config(architecture, wide=True)
        moved = _moved(weights, -1) if architecture.avg_down else weights
        return RESNET.from_common(moved)
    if architecture.register_tokens:
        raise no_such_network("mmpretrain", "register tokens")
    return VIT.from_common(fill(weights, architecture, position_rows=int(architecture.cls_token)))


def network(architecture: Architecture) -> nn.Module:
    """See `Dialect`."""
    if architecture.type == "vit":
        return _mm.vit(architecture)
    return _mm.build("mmpretrain.models", _config(architecture), architecture)


def backbone_config(architecture: Architecture) -> dict[str, Any] | None:
    """See `Dialect`."""
    return _mm.or_none(_config, architecture)


def features(module: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """See `Dialect`."""
    return (_mm.stages if hasattr(module, "layer1") else _mm.vit_features)(module, images)


def _config(architecture: Architecture) -> dict[str, Any]:
    if architecture.type == "vit":
        return _mm.vit_config(architecture)
    return _mm.resnet_config(architecture, wide=True)


def _moved(weights: Mapping[str, Tensor], by: int) -> dict[str, Tensor]:
    """Moves the first stage's shortcut, where mmpretrain alone puts no pooling of one pixel."""
    moved = {}
    for key, value in weights.items():
        if key.startswith(_DOWN):
            place, _, part = key.removeprefix(_DOWN).partition(".")
            key = f"{_DOWN}{int(place) + by}.{part}"
        moved[key] = value
    return moved
