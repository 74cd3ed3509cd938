"""Key names of ResNets: one table for those with the common names, patterns for the others.

The common names are torchvision's; a deep stem and a pooled shortcut, which torchvision lacks, go
by mmdet's: ``stem.{0,3,6}``, each with its norm one further, and ``downsample.1`` and ``.2``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

_BLOCK = "layer#.#"
BODY = [
    *((f"{_BLOCK}.conv#.*",) * 2,),
    *((f"{_BLOCK}.bn#.*",) * 2,),
    *((f"{_BLOCK}.downsample.#.*",) * 2,),
]
PLAIN_STEM = [("conv1.*", "conv1.*"), ("bn1.*", "bn1.*")]
COMMON_STEM = [*PLAIN_STEM, ("stem.#.*", "stem.#.*")]


def is_resnet(weights: Mapping[str, Tensor]) -> bool:
    """Whether the names are a ResNet's, in any dialect."""
    return any(re.match(r"layer1\.0\.conv1\.", key) for key in weights)
