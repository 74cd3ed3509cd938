"""mmseg's VisionTransformer as mmseg's own configs build it: without a bias of the patches.

Those configs keep mmseg's default ``patch_bias=False``, and its tools drop the bias of published
weights without a word. Here it is added to the patches' positions, which is the same function; the
bias itself is then gone, so that the way back gives a network without one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from . import _mm, mmseg
from ._expected import check

if TYPE_CHECKING:
    from torch import Tensor, nn

    from .._architecture import Architecture

DESCRIBES = "mmseg's VisionTransformer of its own configs: the patches' bias is in the positions"
CHANGES = ("ln2.", "pos_embed", "patch_embed.projection.bias")
"""Start of common names that do not come back as they were; see `mrcl_bench.convert.verify`."""
_BIAS = "patch_embed.projection.bias"


def to_common(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """See `Dialect`."""
    return mmseg.to_common(weights)


def from_common(weights: Mapping[str, Tensor], architecture: Architecture) -> dict[str, Tensor]:
    """See `Dialect`; not undone bit for bit where there is a bias of the patches."""
    check(weights, architecture)
    if _BIAS not in weights:
        return mmseg.from_common(weights, architecture)
    first = architecture.prefix_positions
    position = weights["pos_embed"].clone()
    position[:, first:] += weights[_BIAS]
    kept = {key: value for key, value in weights.items() if key != _BIAS}
    return mmseg.from_common({**kept, "pos_embed": position}, _bare(architecture))


def network(architecture: Architecture) -> nn.Module:
    """See `Dialect`."""
    return mmseg.network(_bare(architecture))


def backbone_config(architecture: Architecture) -> dict[str, Any] | None:
    """See `Dialect`."""
    return mmseg.backbone_config(_bare(architecture))


def features(module: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """See `Dialect`."""
    return mmseg.features(module, images)


def remarks(architecture: Architecture) -> list[str]:
    """See `mrcl_bench.convert.dialects.remarks`."""
    said = _mm.dense_remarks(architecture)
    if architecture.patch_bias:
        said.append(
            "The bias of the patches was added to their positions: the same function, from which "
            "the bias cannot be taken out again."
        )
    return said


def _bare(architecture: Architecture) -> Architecture:
    return architecture.model_copy(update={"patch_bias": False})
