"""torchvision's ResNets, and its ViTs, with or without classifier.

timm's plain ResNets, and the backbones that Barlow Twins, DINO and VISSL leave, have the same
names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ..normalisation import IMAGENET
from ._keys import MODULE, RESNET, Layout, has
from ._layout import Conversion, Which

if TYPE_CHECKING:
    from torch import Tensor

DESCRIBES = "torchvision's ResNets and ViTs, and whoever keeps their names (timm's plain ResNets)"
RESNETS = Layout(
    "torchvision",
    online=MODULE,
    kinds={"head": rf"{MODULE}fc\."},
    signs=(rf"{MODULE}conv1\.weight$", rf"{MODULE}layer1\.0\.conv1\.weight$"),
    never=(
        rf"{MODULE}(projection_head|prototypes)\.",
        rf"{MODULE}layer2\.0\.downsample\.2\.",
    ),
    names=RESNET,
)
VITS = replace(
    RESNETS,
    kinds={"head": rf"{MODULE}heads\."},
    signs=(rf"{MODULE}conv_proj\.", rf"{MODULE}encoder\.layers\.encoder_layer_0\."),
    never=(),
    names=r"(class_token$|conv_proj\.|encoder\.(pos_embedding$|layers\.|ln\.))",
)


def recognises(state_dict: Iterable[str]) -> bool:
    """Tells whether the key names are those of torchvision's ResNet or ViT."""
    keys = list(state_dict)
    return RESNETS.recognises(keys) or VITS.recognises(keys)


def to_backbone(state_dict: Mapping[str, Tensor], which: Which = "online") -> Conversion:
    """Takes the network without its classifier; see `Layout.take`."""
    if has(state_dict, rf"{MODULE}conv_proj\."):
        found = VITS.take(state_dict, which)
        return replace(found, dialect="torchvision", normalisation=IMAGENET)
    return RESNETS.take(state_dict, which)
