"""Hugging Face transformers' ViT, ViT-MAE, DINOv2 and DINOv2 with registers, as timm names them.

Sources: ``modeling_vit.py``, ``modeling_vit_mae.py``, ``modeling_dinov2.py``,
``modeling_dinov2_with_registers.py`` and their ``convert_*`` scripts of
github.com/huggingface/transformers. Query, key and value are three matrices there and one in
timm, in that order. ViT's epsilon is 1e-12, DINOv2's 1e-6. ViTImageProcessor feeds mean and std
0.5, except where ``preprocessor_config.json`` beside the weights says otherwise (DINO, MAE:
ImageNet's).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import BenchError
from ..normalisation import IMAGENET
from ._keys import HALF, has, no_average, unsupported
from ._layout import Conversion, Which, split
from .dinov2 import with_registers

if TYPE_CHECKING:
    from torch import Tensor

DESCRIBES = "Hugging Face transformers' ViT, ViT-MAE and DINOv2, with registers or without"
PREFIX = r"(vit|dinov2|dinov2_with_registers)\."
_OPTIONAL = rf"({PREFIX})?"
NAMES = r"(embeddings\.(?!mask_token)|encoder\.layer\.\d+\.|layernorm\.)"
KINDS = {
    "mask_token": rf"{_OPTIONAL}embeddings\.mask_token$",
    "head": rf"classifier\.|{_OPTIONAL}pooler\.",
    "decoder": r"decoder\.",
}
_ATTENTION = r"encoder\.layer\.(\d+)\.attention\.attention\.(query|key|value)\.(weight|bias)"
_TABLE = [
    (r"embeddings\.cls_token", "cls_token"),
    (r"embeddings\.position_embeddings", "pos_embed"),
    (r"embeddings\.register_tokens", "register_tokens"),
    (r"embeddings\.patch_embeddings\.projection\.(\w+)", r"patch_embed.proj.\1"),
    (r"encoder\.layer\.(\d+)\.(?:layernorm_before|norm1)\.(\w+)", r"blocks.\1.norm1.\2"),
    (r"encoder\.layer\.(\d+)\.(?:layernorm_after|norm2)\.(\w+)", r"blocks.\1.norm2.\2"),
    (r"encoder\.layer\.(\d+)\.attention\.output\.dense\.(\w+)", r"blocks.\1.attn.proj.\2"),
    (r"encoder\.layer\.(\d+)\.intermediate\.dense\.(\w+)", r"blocks.\1.mlp.fc1.\2"),
    (r"encoder\.layer\.(\d+)\.output\.dense\.(\w+)", r"blocks.\1.mlp.fc2.\2"),
    (r"encoder\.layer\.(\d+)\.mlp\.(fc[12])\.(\w+)", r"blocks.\1.mlp.\2.\3"),
    (r"encoder\.layer\.(\d+)\.layer_scale([12])\.lambda1", r"blocks.\1.ls\2.gamma"),
    (r"layernorm\.(\w+)", r"norm.\1"),
]
_NOTE = (
    "transformers' ViTs are fed mean and std 0.5 unless preprocessor_config.json beside the "
    "weights says otherwise: DINO's need ImageNet's (--mean, --std)."
)


def recognises(state_dict: Iterable[str]) -> bool:
    """Tells whether the key names are those of transformers' ViT or DINOv2."""
    keys = list(state_dict)
    return has(
        keys,
        rf"{_OPTIONAL}embeddings\.patch_embeddings\.projection\.",
        rf"{_OPTIONAL}encoder\.layer\.0\.(norm1|layernorm_before|attention\.attention)\.",
    )


def to_backbone(state_dict: Mapping[str, Tensor], which: Which = "online") -> Conversion:
    """Takes the encoder, by timm's names, with query, key and value in one matrix.

    Raises:
        BenchError: No backbone key, a key of no known kind, SwiGLU, a query, key or value that is
            missing, or no moving average.
    """
    if which == "momentum":
        raise no_average("transformers")
    if key := next((key for key in state_dict if re.search(r"\.mlp\.weights_(in|out)\.", key)), ""):
        raise unsupported(key, "SwiGLU")
    if key := next((key for key in state_dict if "relative_position_bias" in key), ""):
        raise unsupported(key, "a relative position bias (BEiT, Data2Vec)")
    found = split("transformers", state_dict, rf"{_OPTIONAL}(?={NAMES})", KINDS)
    backbone = with_registers(_renamed(found.backbone))
    dinov2 = any(re.search(r"layer_scale1\.lambda1$", key) for key in found.backbone)
    mae = "decoder" in found.dropped
    feed: dict[str, Any] = IMAGENET if dinov2 or mae else HALF
    return Conversion(
        backbone,
        found.dropped,
        dialect="timm",
        normalisation=feed,
        traits={"norm_eps": 1e-6 if dinov2 else 1e-12},
        notes=() if dinov2 or mae else (_NOTE,),
    )


def _renamed(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    import torch

    renamed: dict[str, Tensor] = {}
    parts: dict[str, dict[str, Tensor]] = {}
    unknown = []
    for key, value in weights.items():
        if found := re.fullmatch(_ATTENTION, key):
            name = f"blocks.{found[1]}.attn.qkv.{found[3]}"
            renamed.setdefault(name, value)  # keeps the place in the order of keys
            parts.setdefault(name, {})[found[2]] = value
            continue
        for pattern, template in _TABLE:
            if match := re.fullmatch(pattern, key):
                renamed[match.expand(template)] = value
                break
        else:
            unknown.append(key)
    if unknown:
        raise BenchError(
            f"{len(unknown)} weights of no kind that transformers knows: "
            f"{', '.join(unknown[:20])}.",
            "Choose another source format with --from.",
        )
    for name, each in parts.items():
        if missing := {"query", "key", "value"} - each.keys():
            raise BenchError(
                f"'{name}' lacks its {' and '.join(sorted(missing))}.", "Get the whole file."
            )
        renamed[name] = torch.cat((each["query"], each["key"], each["value"]))
    return renamed
