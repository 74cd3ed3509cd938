"""timm's ViTs, and its ResNets with a deep stem, with or without classifier.

Those who name their ViTs like timm: MAE and DINO, whose backbones alone look the same. timm's
plain ResNets are recognised as torchvision's, which they equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..normalisation import IMAGENET
from ._keys import MODULE, Layout, has, unsupported
from ._layout import Conversion, Which

if TYPE_CHECKING:
    from torch import Tensor

DESCRIBES = "timm's ViTs and deep-stem ResNets; ViTs alone as MAE and DINO leave them"
HEAD = rf"{MODULE}(head|head_dist|pre_logits|fc)\."
LAYOUT = Layout("timm", online=MODULE, kinds={"head": HEAD})
HEADS = {1152: 16, 1408: 16, 1536: 16, 1664: 16}
"""Width to heads of timm's so400m, giant, giantopt and gigantic, which have none of 64."""
CLIP = {
    "mean": (122.770937, 116.746013, 104.093736),
    "std": (68.500533, 66.632158, 70.323163),
    "channel_order": "rgb",
}
"""timm's OPENAI_CLIP_MEAN and _STD, times 255."""
_RESNET_D = rf"{MODULE}(conv1\.0\.weight$|layer2\.0\.downsample\.2\.)"


def recognises(state_dict: Iterable[str]) -> bool:
    """Tells whether the key names are timm's and nobody else's."""
    keys = list(state_dict)
    if has(keys, _RESNET_D, rf"{MODULE}layer1\.0\.conv1\."):
        return not has(keys, rf"{MODULE}(projection_head|prototypes|stem)\.")
    vit = has(keys, rf"{MODULE}patch_embed\.", rf"{MODULE}blocks\.\d+\.(attn\.qkv|norm1)\.")
    tuned = has(keys, rf"{MODULE}fc_norm\.", rf"{MODULE}cls_token$")
    mae = tuned and not has(keys, rf"{MODULE}(norm|reg_token)\b")
    return vit and not mae and not has(keys, rf"{MODULE}(mask_token$|decoder_)")


def to_backbone(state_dict: Mapping[str, Tensor], which: Which = "online") -> Conversion:
    """Takes the network without its classifier; see `Layout.take`.

    How a classifier was fed differs from model to model in timm, and is left open; timm's
    ``config.json`` beside the weights says it. Backbones alone are MAE's, DINO's and the like,
    which are fed as on ImageNet.

    Raises:
        BenchError: As `Layout.take`; or names that a plain ViT shares with one of another function.
    """
    found = LAYOUT.take(state_dict, which)
    traits, notes = _read(found.backbone)
    found = replace(found, traits=traits)
    if "norm_pre.weight" in found.backbone:
        return replace(found, normalisation=CLIP, notes=notes)
    if "head" in found.dropped:
        return replace(found, normalisation=None, notes=notes)
    alone = (
        "Weights without classifier are taken for MAE's, DINO's or the like, fed as on ImageNet."
    )
    return replace(found, normalisation=IMAGENET, notes=(alone, *notes))


def _read(backbone: Mapping[str, Tensor]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Reads what the names tell only to who knows timm's models (1.0.22)."""
    projection = backbone.get("patch_embed.proj.weight")
    if projection is None:
        return {}, ()
    layers = [key for key in backbone if key.startswith("blocks.0.")]
    classy = "cls_token" in backbone
    if not classy and not {"blocks.0.attn.qkv.bias", "blocks.0.ls1.gamma"} & set(layers):
        raise unsupported(
            "blocks.0.norm1.weight",
            "a ViT without class token, bias of queries and layer scale, whose norms may stand "
            "after its layers (timm's rpn),",
        )
    traits: dict[str, Any] = {"num_heads": HEADS.get(projection.shape[0])}
    notes = []
    if "norm_pre.weight" in backbone:
        if "norm.weight" not in backbone and "fc_norm.weight" not in backbone:
            raise unsupported("norm_pre.weight", "a Perception Encoder with rotary positions")
        traits["norm_eps"] = 1e-5
        notes.append(
            "Taken for a CLIP model with GELU and epsilon 1e-5; weights do not show QuickGELU, "
            "which OpenAI's have: those cannot be told apart."
        )
    elif not classy and "norm.weight" in backbone:
        notes.append(
            "A ViT without class token may be a SigLIP with an approximate GELU, or have other "
            "heads than its width's (vit_base_patch16_gap: --heads 16); neither is in the weights."
        )
    return {key: value for key, value in traits.items() if value}, tuple(notes)
