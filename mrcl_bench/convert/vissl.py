"""VISSL: a ResNet as ``trunk._feature_blocks.*``, or a ViT as ``trunk.*``, beside heads.

Source: ``vissl/models/base_ssl_model.py`` and ``resnext.py``, ``vision_transformer.py`` and
``feature_extractor.py`` in ``vissl/models/trunks`` of github.com/facebookresearch/vissl. A
checkpoint keeps ``classy_state_dict`` > ``base_model`` > ``model`` > ``trunk``, ``heads``, which
`mrcl_bench.checkpoint.load_state_dict` joins; momentum encoders lie in its ``loss`` and are not
read. Files that VISSL converted to torchvision's names are recognised as torchvision's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ._keys import RESNET, VIT, Layout
from ._layout import Conversion, Which

if TYPE_CHECKING:
    from torch import Tensor

DESCRIBES = "VISSL: ResNets (`.torch`; `trunk._feature_blocks.`), SimCLR's and others, and ViTs"
LAYOUT = Layout(
    "vissl",
    online=r"((trunk\.)?(base_model\.)?_feature_blocks\.|trunk\.(base_model\.)?)",
    kinds={
        "head": r"heads\.|(trunk\.)?(base_model\.)?feature_pool_ops\.",
        "mask_token": r"trunk\.(base_model\.)?patch_masking\.",
    },
    signs=(rf"((trunk\.)?(base_model\.)?_feature_blocks\.{RESNET}|trunk\.(base_model\.)?{VIT})",),
)
recognises = LAYOUT.recognises


def to_backbone(state_dict: Mapping[str, Tensor], which: Which = "online") -> Conversion:
    """Takes the trunk; see `Layout.take`."""
    return LAYOUT.take(state_dict, which)
