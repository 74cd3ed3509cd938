"""facebookresearch's MAE: encoder beside decoder, or fine-tuned with a norm after pooling.

Source: ``models_mae.py`` and ``models_vit.py`` of github.com/facebookresearch/mae. The encoder
alone, as ``mae_pretrain_vit_base.pth`` has it, goes by timm's names exactly and is recognised as
timm's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ._keys import MODULE, VIT, Layout, has
from ._layout import Conversion, Which

if TYPE_CHECKING:
    from torch import Tensor

DESCRIBES = "MAE of facebookresearch: pretrained with its decoder, or fine-tuned (`fc_norm.`)"
LAYOUT = Layout(
    "mae",
    online=MODULE,
    kinds={
        "decoder": rf"{MODULE}decoder_(embed|pos_embed|blocks|norm|pred)\b",
        "mask_token": rf"{MODULE}mask_token$",
        "head": rf"{MODULE}head\.",
    },
    names=VIT,
)


def recognises(state_dict: Iterable[str]) -> bool:
    """Tells whether the key names are MAE's; timm has no ViT with ``fc_norm`` and a class token."""
    keys = list(state_dict)
    vit = has(keys, rf"{MODULE}blocks\.\d+\.attn\.qkv\.bias$", rf"{MODULE}cls_token$")
    pretrained = has(keys, rf"{MODULE}decoder_embed\.", rf"{MODULE}mask_token$")
    tuned = has(keys, rf"{MODULE}fc_norm\.") and not has(keys, rf"{MODULE}(norm|reg_token)\b")
    return vit and (pretrained or tuned)


def to_backbone(state_dict: Mapping[str, Tensor], which: Which = "online") -> Conversion:
    """Takes the encoder; see `Layout.take`."""
    return LAYOUT.take(state_dict, which)
