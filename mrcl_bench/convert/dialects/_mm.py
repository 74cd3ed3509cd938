"""What OpenMMLab's libraries share: their ResNet's configs, and mmpretrain's VisionTransformer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...errors import BenchError
from ._expected import expected
from ._hollow import hollow, library, no_such_network

if TYPE_CHECKING:
    from torch import Tensor, nn

    from .._architecture import Architecture

ACTIVATIONS: dict[str, dict[str, Any]] = {
    "gelu": {"type": "GELU"},
    "gelu_tanh": {"type": "GELU", "approximate": "tanh"},
    "quick_gelu": {"type": "mmpretrain.QuickGELU"},
}


def vit_config(architecture: Architecture) -> dict[str, Any]:
    """Arguments, with ``type``, of mmpretrain's VisionTransformer."""
    if architecture.register_tokens:
        raise no_such_network("mmpretrain", "register tokens")
    pooled = architecture.final_norm in ("pooled", "both")
    single = "cls_token" if architecture.cls_token else "featmap"
    config: dict[str, Any] = {
        "type": "VisionTransformer",
        "arch": {
            "embed_dims": architecture.embed_dims,
            "num_layers": architecture.depth,
            "num_heads": architecture.heads,
            "feedforward_channels": architecture.mlp_dims,
        },
        "img_size": architecture.img_size,
        "patch_size": architecture.patch,
        "qkv_bias": architecture.qkv_bias,
        "norm_cfg": {"type": "LN", "eps": architecture.norm_eps},
        "final_norm": architecture.final_norm in ("tokens", "both"),
        "out_type": "avg_featmap" if pooled else single,
        "with_cls_token": architecture.cls_token,
    }
    if architecture.layer_scale:
        config["layer_scale_init_value"] = 1e-5
    if architecture.pre_norm:
        config["pre_norm"] = True
    if architecture.patch_bias == architecture.pre_norm:
        config["patch_cfg"] = {"bias": architecture.patch_bias}
    if architecture.activation != "gelu":
        config["layer_cfgs"] = {"act_cfg": ACTIVATIONS[architecture.activation]}
    return config


def resnet_config(architecture: Architecture, *, wide: bool) -> dict[str, Any]:
    """Arguments, with ``type``, of a ResNet.

    Args:
        architecture: Of a ResNet.
        wide: Whether the class has mmpretrain's ``expansion``, by which it can be wide.
    """
    config: dict[str, Any] = {
        "type": "ResNet",
        "depth": architecture.depth,
        "out_indices": [0, 1, 2, 3],
        "style": architecture.style,
    }
    for option in ("deep_stem", "avg_down"):
        if getattr(architecture, option):
            config[option] = True
    if architecture.base_width != 64:
        width = architecture.base_width
        if not wide or 256 % width:
            raise no_such_network("a ResNet of OpenMMLab's", f"a base width of {width}")
        config |= {"base_channels": width, "expansion": 256 // width, "stem_channels": 64}
    return config


def build(where: str, config: dict[str, Any], architecture: Architecture) -> nn.Module:
    """Builds a network of a module by its config; its weights are not there yet."""
    expected(architecture)
    options = {key: value for key, value in config.items() if key != "type"}
    kind = getattr(library(where), config["type"].split(".")[-1])
    with hollow():
        module: nn.Module = kind(**options)
    return module


def vit(architecture: Architecture) -> nn.Module:
    """Builds mmpretrain's VisionTransformer so that it gives all tokens."""
    module: Any = build("mmpretrain.models", vit_config(architecture), architecture)
    module.out_type = "raw"
    built: nn.Module = module
    return built


def vit_features(module: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """Features of `vit`; see `Dialect`."""
    model: Any = module
    tokens = model(images)[-1]
    if not model.with_cls_token:
        return {"tokens": tokens}
    return {"tokens": tokens[:, 1:], "cls": tokens[:, 0]}


def stages(module: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """Features of a ResNet with all four stages out; see `Dialect`."""
    return {f"stage{n}": stage for n, stage in enumerate(module(images), start=1)}


def or_none(config: Any, architecture: Architecture) -> dict[str, Any] | None:
    """Calls ``config(architecture)``; None where there is no such network."""
    try:
        expected(architecture)
        found: dict[str, Any] = config(architecture)
    except BenchError:
        return None
    return found


def dense(architecture: Architecture) -> Architecture:
    """The architecture without a norm after pooling, which a dense task has no place for."""
    kept = {"pooled": "none", "both": "tokens"}.get(architecture.final_norm)
    return architecture.model_copy(update={"final_norm": kept}) if kept else architecture


def without_pooled_norm(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Leaves out ``ln2``, the norm after pooling, by mmpretrain's names."""
    return {key: value for key, value in weights.items() if not key.startswith("ln2.")}


def dense_remarks(architecture: Architecture) -> list[str]:
    """Says what a backbone for dense tasks was written without."""
    if architecture.final_norm not in ("pooled", "both"):
        return []
    return ["The norm after pooling was left out: a dense task pools nothing."]
