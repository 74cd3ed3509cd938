"""facebookresearch's MoCo v1 and v2: ``module.encoder_q.*`` beside key encoder and queue.

Source: ``moco/builder.py`` and ``main_moco.py`` of github.com/facebookresearch/moco: the
projector is the ResNet's ``fc``, and the encoder of the keys is the moving average.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ._keys import MODULE, RESNET, Layout
from ._layout import Conversion, Which

if TYPE_CHECKING:
    from torch import Tensor

DESCRIBES = "MoCo v1 and v2 of facebookresearch (`module.encoder_q.`, `module.encoder_k.`)"
LAYOUT = Layout(
    "moco",
    online=rf"{MODULE}encoder_q\.",
    momentum=rf"{MODULE}encoder_k\.",
    kinds={
        "projector": rf"{MODULE}(encoder_[qk]\.fc|head_[qk])\.",
        "queue": rf"{MODULE}(val_)?queue(_ptr|\.representations|\.pointer)?$",
    },
    signs=(rf"{MODULE}encoder_q\.{RESNET}",),
    names=RESNET,
)
recognises = LAYOUT.recognises


def to_backbone(state_dict: Mapping[str, Tensor], which: Which = "online") -> Conversion:
    """Takes the query encoder, or the key encoder as ``momentum``; see `Layout.take`."""
    return LAYOUT.take(state_dict, which)
