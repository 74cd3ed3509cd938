"""Lets networks of the libraries compute the same bits in less time."""

from __future__ import annotations

import sys
from typing import Any


def quicken(network: Any) -> None:
    """Puts our layers in the place of the libraries' that have the same results and weights.

    Args:
        network: A model that was built, wrapped or not; changed in place.
    """
    # A library that was not imported has no layer in it.
    if "mmpretrain.models" in sys.modules:
        from ..models.attention import unbind_attention

        unbind_attention(network)
    if "mmcv.ops.roi_align" in sys.modules:
        from ..models.roi_align import quicken_roi_align

        quicken_roi_align(network)
