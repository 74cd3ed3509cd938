"""mmdet's ResNet; for ViTs and wide ResNets, which it lacks, mmpretrain's as mmdet builds them.

A config with ``type='mmpretrain.…'`` needs ``custom_imports=dict(imports=['mmpretrain.models'])``,
as mmdet's own ConvNeXt configs have it. Names read off onedl-mmdetection 3.5.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from . import _mm, mmpretrain
from ._expected import check
from ._names import Names
from ._resnets import BODY, COMMON_STEM, is_resnet

if TYPE_CHECKING:
    from torch import Tensor, nn

    from .._architecture import Architecture

DESCRIBES = "mmdet's ResNet; ViTs and wide ResNets as mmpretrain's"
CHANGES = ("ln2.",)
"""Start of common names that do not come back as they were; see `mrcl_bench.convert.verify`."""
RESNET = Names("mmdet", [*BODY, *COMMON_STEM])


def to_common(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """See `Dialect`."""
    if is_resnet(weights) and "stem.0.conv.weight" not in weights:
        return RESNET.to_common(weights)
    return mmpretrain.to_common(weights)


def from_common(weights: Mapping[str, Tensor], architecture: Architecture) -> dict[str, Tensor]:
    """See `Dialect`; a norm after pooling is left out, for a detector pools nothing."""
    if _borrowed(architecture):
        return _mm.without_pooled_norm(mmpretrain.from_common(weights, architecture))
    check(weights, architecture)
    return RESNET.from_common(weights)


def network(architecture: Architecture) -> nn.Module:
    """See `Dialect`."""
    architecture = _mm.dense(architecture)
    if _borrowed(architecture):
        return mmpretrain.network(architecture)
    return _mm.build("mmdet.models.backbones", _config(architecture), architecture)


def backbone_config(architecture: Architecture) -> dict[str, Any] | None:
    """See `Dialect`."""
    return _mm.or_none(_config, _mm.dense(architecture))


def features(module: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """See `Dialect`."""
    return mmpretrain.features(module, images)


def remarks(architecture: Architecture) -> list[str]:
    """See `mrcl_bench.convert.dialects.remarks`."""
    return _mm.dense_remarks(architecture)


def _borrowed(architecture: Architecture) -> bool:
    return architecture.type == "vit" or architecture.base_width != 64


def _config(architecture: Architecture) -> dict[str, Any]:
    if architecture.type == "vit":
        vit = _mm.vit_config(architecture)
        return {**vit, "type": "mmpretrain.VisionTransformer", "out_type": "featmap"}
    config = _mm.resnet_config(architecture, wide=_borrowed(architecture))
    return {**config, "type": "mmpretrain.ResNet"} if _borrowed(architecture) else config
