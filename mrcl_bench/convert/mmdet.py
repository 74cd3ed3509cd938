"""Detectors trained with mmdet: ``backbone.*`` beside necks and heads.

Source: ``mmdet/models/detectors`` of onedl-mmdetection 3.5.1. A checkpoint does not tell how its
config fed the images, nor a ResNet's ``style``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ._keys import has, no_average
from ._layout import Conversion, Which, split

if TYPE_CHECKING:
    from torch import Tensor

DESCRIBES = "mmdet's detectors (`backbone.` beside `rpn_head.`, `roi_head.`, `bbox_head.` …)"
HEAD = r"(rpn_head|roi_head|bbox_head|mask_head|panoptic_head|panoptic_fusion_head|semantic_head)\."
NAMES = r"(stem|layer[1-4])\."
ALONE = (r"stem\.0\.weight$", r"layer1\.0\.conv1\.weight$")
KINDS = {
    "neck": r"neck\.",
    "head": rf"{HEAD}|\w+_head\.",
    "transformer": r"(encoder|decoder|positional_encoding|query_embedding|level_embed|dn_\w+|"
    r"memory_trans_\w+|reference_points_fc|query_\w+)\b",
    "data_preprocessor": r"data_preprocessor\.",
    "momentum": r"(teacher|ema_\w*)\b",
}


def recognises(state_dict: Iterable[str]) -> bool:
    """Tells whether the key names are a detector's, or those of its deep-stem ResNet alone."""
    keys = list(state_dict)
    detector = has(keys, r"backbone\.", HEAD) and not has(keys, r"(decode|auxiliary)_head\.")
    return detector or has(keys, *ALONE)


def to_backbone(state_dict: Mapping[str, Tensor], which: Which = "online") -> Conversion:
    """Takes the backbone, by mmdet's names.

    Raises:
        BenchError: No backbone key, a key of no known kind, or no moving average.
    """
    if which == "momentum":
        raise no_average("mmdet")
    alone = not has(state_dict, r"backbone\.") and has(state_dict, *ALONE)
    found = split("mmdet", state_dict, f"(?={NAMES})" if alone else r"backbone\.", KINDS)
    return replace(found, dialect="mmdet", notes=notes(found.backbone))


def notes(backbone: Mapping[str, Tensor]) -> tuple[str, ...]:
    """What is assumed of a bottleneck ResNet that OpenMMLab trained."""
    if "layer1.0.conv3.weight" not in backbone:
        return ()
    return ("Weights do not show a ResNet's style; style='pytorch' is assumed, not 'caffe'.",)
