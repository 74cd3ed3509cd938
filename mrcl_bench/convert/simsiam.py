"""facebookresearch's SimSiam: ``module.encoder.*`` beside its predictor.

Source: ``simsiam/builder.py`` of github.com/facebookresearch/simsiam; the projector is
``encoder.fc``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ._keys import MODULE, RESNET, Layout
from ._layout import Conversion, Which

if TYPE_CHECKING:
    from torch import Tensor

DESCRIBES = "SimSiam of facebookresearch (`module.encoder.`, `module.predictor.`)"
LAYOUT = Layout(
    "simsiam",
    online=rf"{MODULE}encoder\.",
    kinds={"projector": rf"{MODULE}encoder\.fc\.", "predictor": rf"{MODULE}predictor\."},
    signs=(rf"{MODULE}encoder\.{RESNET}", rf"{MODULE}predictor\."),
    never=(r"(projector|classifier|momentum_\w+)\.",),
    names=RESNET,
)
recognises = LAYOUT.recognises


def to_backbone(state_dict: Mapping[str, Tensor], which: Which = "online") -> Conversion:
    """Takes the encoder; see `Layout.take`."""
    return LAYOUT.take(state_dict, which)
