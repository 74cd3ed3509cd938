"""mmseg's own VisionTransformer, whose attention and MLP are mmcv's, and its ResNet.

It always has a class token and its position among its weights; ``with_cls_token=False`` takes it
off before the first layer. mmseg's configs leave out the patches' bias (``patch_bias``), which
published weights have: `backbone_config` sets it, `mrcl_bench.convert.dialects.mmseg_stock` does
without. Names read off onedl-mmsegmentation 1.4.2: ``mmseg/models/backbones``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from . import _mm, mmdet, mmpretrain
from ._absent import fill, strip
from ._expected import check
from ._hollow import no_such_network
from ._names import Names
from ._resnets import is_resnet

if TYPE_CHECKING:
    from torch import Tensor, nn

    from .._architecture import Architecture

DESCRIBES = "mmseg's own VisionTransformer and ResNet; wide ResNets as mmpretrain's"
CHANGES = ("ln2.",)
"""Start of common names that do not come back as they were; see `mrcl_bench.convert.verify`."""
VIT = Names(
    "mmseg",
    [
        ("cls_token", "cls_token"),
        ("pos_embed", "pos_embed"),
        ("patch_embed.projection.*", "patch_embed.projection.*"),
        ("pre_norm.*", "ln_pre.*"),
        ("layers.#.ln1.*", "layers.#.ln1.*"),
        ("layers.#.attn.qkv.weight", "layers.#.attn.attn.in_proj_weight"),
        ("layers.#.attn.qkv.bias", "layers.#.attn.attn.in_proj_bias"),
        ("layers.#.attn.proj.*", "layers.#.attn.attn.out_proj.*"),
        ("layers.#.ln2.*", "layers.#.ln2.*"),
        ("layers.#.ffn.layers.0.0.*", "layers.#.ffn.layers.0.0.*"),
        ("layers.#.ffn.layers.1.*", "layers.#.ffn.layers.1.*"),
        ("ln1.*", "ln1.*"),
    ],
    {
        r".*relative_position": "a relative position bias (BEiT)",
        r"patch_embed\.norm\.": "a norm in the patch embedding",
        r"layers\.\d+\.gamma": "BEiT's layer scale",
    },
)


def to_common(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """See `Dialect`; takes mmpretrain's VisionTransformer in mmseg's models, too."""
    if is_resnet(weights):
        return mmdet.to_common(weights)
    if "layers.0.attn.qkv.weight" in weights:
        return mmpretrain.to_common(weights)
    return strip(VIT.to_common(weights))


def from_common(weights: Mapping[str, Tensor], architecture: Architecture) -> dict[str, Tensor]:
    """See `Dialect`; a norm after pooling is left out, for a segmentor pools nothing."""
    if architecture.type != "vit":
        return mmdet.from_common(weights, architecture)
    _refuse(architecture)
    check(weights, architecture)
    kept = _mm.without_pooled_norm(weights)
    return VIT.from_common(
        fill(kept, architecture, class_token=True, position_rows=1, qkv_bias=True)
    )


def network(architecture: Architecture) -> nn.Module:
    """See `Dialect`."""
    if architecture.type != "vit":
        if architecture.base_width != 64:
            return mmpretrain.network(architecture)
        return _mm.build("mmseg.models.backbones", _resnet(architecture), architecture)
    config = _config(architecture)
    features = {"out_indices": -1, "output_cls_token": architecture.cls_token}
    return _mm.build("mmseg.models.backbones", config | features, _mm.dense(architecture))


def backbone_config(architecture: Architecture) -> dict[str, Any] | None:
    """See `Dialect`; of the layers it gives out the four that mmseg's UPerNet takes."""
    return _mm.or_none(_config, _mm.dense(architecture))


def features(module: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """See `Dialect`."""
    if hasattr(module, "layer1"):
        return _mm.stages(module, images)
    last = module(images)[-1]
    grid, cls = last if isinstance(last, list | tuple) else (last, None)
    found = {"tokens": grid.flatten(2).transpose(1, 2)}
    return found if cls is None else {**found, "cls": cls}


def remarks(architecture: Architecture) -> list[str]:
    """See `mrcl_bench.convert.dialects.remarks`."""
    said = _mm.dense_remarks(architecture)
    if architecture.type == "vit" and architecture.patch_bias:
        said.append(
            "mmseg's own ViT configs have no bias of the patches and would drop it from these "
            "weights: use the backbone of the manifest, or convert with --to mmseg_stock."
        )
    return said


def _refuse(architecture: Architecture) -> None:
    if architecture.register_tokens:
        raise no_such_network("mmseg", "register tokens")
    if architecture.layer_scale:
        raise no_such_network("mmseg", "layer scale")
    if (architecture.mlp_dims or 0) % (architecture.embed_dims or 1):
        raise no_such_network("mmseg", "an MLP whose width is no multiple of the tokens'")


def _resnet(architecture: Architecture) -> dict[str, Any]:
    if architecture.base_width != 64:
        return {**_mm.resnet_config(architecture, wide=True), "type": "mmpretrain.ResNet"}
    return _mm.resnet_config(architecture, wide=False)


def _config(architecture: Architecture) -> dict[str, Any]:
    if architecture.type != "vit":
        return _resnet(architecture)
    _refuse(architecture)
    depth = architecture.depth or 0
    return {
        "type": "VisionTransformer",
        "img_size": [architecture.img_size] * 2,
        "patch_size": architecture.patch,
        "embed_dims": architecture.embed_dims,
        "num_layers": depth,
        "num_heads": architecture.heads,
        "mlp_ratio": (architecture.mlp_dims or 0) // (architecture.embed_dims or 1),
        "out_indices": sorted({max(0, depth * part // 4 - 1) for part in (1, 2, 3, 4)}),
        "qkv_bias": True,
        "with_cls_token": architecture.cls_token,
        "norm_cfg": {"type": "LN", "eps": architecture.norm_eps},
        "act_cfg": _mm.ACTIVATIONS[architecture.activation],
        "patch_bias": architecture.patch_bias,
        "pre_norm": architecture.pre_norm,
        "final_norm": architecture.final_norm in ("tokens", "both"),
        "interpolate_mode": "bicubic",
    }
