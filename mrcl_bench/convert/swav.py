"""facebookresearch's SwAV and DeepCluster v2: a ResNet beside projection head and prototypes.

Source: ``src/resnet50.py`` of github.com/facebookresearch/swav. It pads before a convolution of
padding 2, which is torchvision's of padding 3. ``resnet50w2`` and wider are widened throughout,
which torchvision's wide ResNets are not; they are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ._keys import MODULE, RESNET, Layout
from ._layout import Conversion, Which

if TYPE_CHECKING:
    from torch import Tensor

DESCRIBES = "SwAV and DeepCluster v2 of facebookresearch (`module.projection_head.`)"
LAYOUT = Layout(
    "swav",
    online=MODULE,
    kinds={
        "projector": rf"{MODULE}projection_head\.",
        "prototypes": rf"{MODULE}prototypes\.",
    },
    signs=(rf"{MODULE}conv1\.weight$", rf"{MODULE}(projection_head|prototypes)\."),
    names=RESNET,
)
recognises = LAYOUT.recognises


def to_backbone(state_dict: Mapping[str, Tensor], which: Which = "online") -> Conversion:
    """Takes the ResNet; see `Layout.take`."""
    return LAYOUT.take(state_dict, which)
