"""ResNets kept as ``nn.Sequential(*resnet.children())``: their children go by number."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

CHILDREN = {
    "0": "conv1",
    "1": "bn1",
    "4": "layer1",
    "5": "layer2",
    "6": "layer3",
    "7": "layer4",
}
"""Order in torchvision's ResNet; 2, 3 and 8 are ReLU and pooling, which hold nothing."""
NUMBERED = r"(0\.weight$|1\.\w+$|[4-7]\.\d+\.)"
"""Start of the backbone's keys after the prefix."""


def by_name(backbone: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Gives numbered children their names; keys with names stay."""
    named = {}
    for key, value in backbone.items():
        number, _, rest = key.partition(".")
        named[f"{CHILDREN[number]}.{rest}" if re.match(NUMBERED, key) else key] = value
    return named
