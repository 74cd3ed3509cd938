"""VISSL: a ResNet as ``trunk._feature_blocks.*`` beside heads.

Source: ``vissl/models/base_ssl_model.py`` and ``vissl/models/trunks/resnext.py`` of
github.com/facebookresearch/vissl. A checkpoint keeps ``classy_state_dict`` > ``base_model`` >
``model`` > ``trunk``, ``heads``, which `mrcl_bench.checkpoint.load_state_dict` joins. Files that
VISSL converted to torchvision's names are recognised as torchvision's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ._keys import RESNET, Layout
from ._layout import Conversion, Which

if TYPE_CHECKING:
    from torch import Tensor

DESCRIBES = "VISSL: SimCLR and its other ResNets (`.torch`; `trunk._feature_blocks.`)"
LAYOUT = Layout(
    "vissl",
    online=r"(trunk\.)?(base_model\.)?_feature_blocks\.",
    kinds={"head": r"heads\.|(trunk\.)?(base_model\.)?feature_pool_ops\."},
    signs=(rf"(trunk\.)?(base_model\.)?_feature_blocks\.{RESNET}",),
    names=RESNET,
)
recognises = LAYOUT.recognises


def to_backbone(state_dict: Mapping[str, Tensor], which: Which = "online") -> Conversion:
    """Takes the trunk; see `Layout.take`."""
    return LAYOUT.take(state_dict, which)
