"""Networks that are known and cannot be converted: refused by name, not as unknown."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..errors import BenchError

NETWORKS = {
    r"(.*\.)?layers\.\d+\.blocks\.\d+\.attn\.relative_position_bias_table$": "a Swin transformer",
    r"(.*\.)?stages\.\d+\.blocks\.\d+\.attn\.w_msa\.": "a Swin transformer",
    r"(.*\.)?(downsample_layers\.\d+\.\d+|stages\.\d+\.(blocks\.)?\d+\.(dwconv|conv_dw|gamma))": (
        "a ConvNeXt"
    ),
    r"(.*\.)?attn\.(relative_position_bias_table|q_bias)$": (
        "a relative position bias or BEiT's attention"
    ),
    r"(.*\.)?relative_position_bias": "a relative position bias",
    r"(.*\.)?rel_pos_[hw]$": "ViTDet's relative positions",
    r"visual\.transformer\.resblocks\.": "CLIP's own layout",
    r"(.*\.)?features\.\d+\.": "a network that is neither a ViT nor a ResNet",
}
"""Regex, matched from a key's start, to the network."""


def refuse_unsupported(keys: Iterable[str]) -> None:
    """Raises for keys of a known network that no format converts.

    Raises:
        BenchError: With the network's name and the key that shows it.
    """
    listed = list(keys)
    for pattern, network in NETWORKS.items():
        if key := next((key for key in listed if re.match(pattern, key)), None):
            raise BenchError(
                f"'{key}' shows {network}, which cannot be converted.",
                "Convertible are plain ViTs and ResNets.",
            )
