"""facebookresearch's Barlow Twins, and VICReg: ``module.backbone.*`` beside ``module.projector.*``.

Source: ``main.py`` of github.com/facebookresearch/barlowtwins; its ``bn`` norms the projections.
The final ``resnet50.pth`` is the ResNet alone and is recognised as torchvision's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ._keys import MODULE, RESNET, Layout, has
from ._layout import Conversion, Which

if TYPE_CHECKING:
    from torch import Tensor

DESCRIBES = "Barlow Twins and VICReg of facebookresearch (`module.backbone.`, `module.projector.`)"
LAYOUT = Layout(
    "barlow_twins",
    online=rf"{MODULE}backbone\.",
    kinds={
        "projector": rf"{MODULE}((maps_)?projector|bn)\.",
        "head": rf"{MODULE}classifier\.",
    },
    names=RESNET,
)


def recognises(state_dict: Iterable[str]) -> bool:
    """Tells whether the key names are Barlow Twins', by their wrapper or the last norm."""
    keys = list(state_dict)
    wrapped = has(keys, rf"module\.backbone\.{RESNET}", r"module\.projector\.")
    return wrapped or has(keys, rf"backbone\.{RESNET}", r"projector\.", r"bn\.running_mean$")


def to_backbone(state_dict: Mapping[str, Tensor], which: Which = "online") -> Conversion:
    """Takes the backbone; see `Layout.take`."""
    return LAYOUT.take(state_dict, which)
