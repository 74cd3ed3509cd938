"""Segmentors trained with mmseg: ``backbone.*`` beside ``decode_head.*``.

Source: ``mmseg/models/segmentors`` of onedl-mmsegmentation 1.4.2. Its own VisionTransformer is
known by ``attn.attn.``, also alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ._keys import has, no_average
from ._layout import Conversion, Which, split
from .mmdet import notes

if TYPE_CHECKING:
    from torch import Tensor

DESCRIBES = "mmseg's segmentors (`backbone.` beside `decode_head.`), and its ViTs alone"
HEAD = r"(decode_head|auxiliary_head)\."
NAMES = r"(cls_token|pos_embed|patch_embed|ln_pre|layers|ln1)\b"
VIT = r"layers\.\d+\.attn\.attn\.in_proj_weight$"
KINDS = {
    "neck": r"neck\.",
    "head": rf"{HEAD}|\w+_head\.",
    "data_preprocessor": r"data_preprocessor\.",
    "momentum": r"ema_\w*\b",
}


def recognises(state_dict: Iterable[str]) -> bool:
    """Tells whether the key names are a segmentor's, or those of mmseg's ViT."""
    keys = list(state_dict)
    if has(keys, r"backbone\."):
        return has(keys, HEAD) or has(keys, rf"backbone\.{VIT}")
    return has(keys, VIT)


def to_backbone(state_dict: Mapping[str, Tensor], which: Which = "online") -> Conversion:
    """Takes the backbone, by mmseg's names.

    Raises:
        BenchError: No backbone key, a key of no known kind, or no moving average.
    """
    if which == "momentum":
        raise no_average("mmseg")
    alone = not has(state_dict, r"backbone\.") and has(state_dict, VIT)
    found = split("mmseg", state_dict, f"(?={NAMES})" if alone else r"backbone\.", KINDS)
    return replace(found, dialect="mmseg", notes=notes(found.backbone))
