"""facebookresearch's MoCo v3: ``module.base_encoder.*`` and its moving average, ViT or ResNet.

Source: ``moco/builder.py`` and ``vits.py`` of github.com/facebookresearch/moco-v3. The projector
is the encoder's ``head`` (ViT) or ``fc`` (ResNet). Its ViT-S has 12 heads, not DeiT's 6.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ._keys import EITHER, MODULE, Layout
from ._layout import Conversion, Which

if TYPE_CHECKING:
    from torch import Tensor

DESCRIBES = "MoCo v3 of facebookresearch (`module.base_encoder.`, `module.momentum_encoder.`)"
LAYOUT = Layout(
    "mocov3",
    online=rf"{MODULE}base_encoder\.",
    momentum=rf"{MODULE}momentum_encoder\.",
    kinds={
        "projector": rf"{MODULE}(base|momentum)_encoder\.(head|fc)\.",
        "predictor": rf"{MODULE}predictor\.",
    },
    signs=(rf"{MODULE}base_encoder\.{EITHER}",),
)
HEADS = {384: 12, 768: 12, 1024: 16, 1280: 16}
recognises = LAYOUT.recognises


def to_backbone(state_dict: Mapping[str, Tensor], which: Which = "online") -> Conversion:
    """Takes the base encoder, or its moving average; see `Layout.take`."""
    found = LAYOUT.take(state_dict, which)
    token = found.backbone.get("cls_token")
    if token is None:
        return found
    heads = HEADS.get(token.shape[-1])
    return replace(found, traits={"num_heads": heads, "norm_eps": 1e-6} if heads else {})
