"""Our own mm modules, registered on import.

Configs reach them by ``custom_imports = dict(imports=["mrcl_bench.models"])``. Needs
mmpretrain; neither mmdet nor mmseg is imported.
"""

from .hidden_decoder import HiddenDecoder
from .masked_vit import MaskedViT
from .masking import CellMasking, Encoded, TokenMasking
from .mrcl import MRCL
from .parallel_heads import FrozenClassifier, HeadAccuracy, OneRatePerHead, ParallelLinearHeads
from .simple_fpn import SimpleFPN
from .subsets import ListedFolder, VOCPresence
from .upsample_decoder import UpsampleDecoder
from .windowed_vit import WindowedVisionTransformer

__all__ = [
    "MRCL",
    "CellMasking",
    "Encoded",
    "FrozenClassifier",
    "HeadAccuracy",
    "HiddenDecoder",
    "ListedFolder",
    "MaskedViT",
    "OneRatePerHead",
    "ParallelLinearHeads",
    "SimpleFPN",
    "TokenMasking",
    "UpsampleDecoder",
    "VOCPresence",
    "WindowedVisionTransformer",
]
