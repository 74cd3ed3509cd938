"""Models trained with mmpretrain: ``backbone.*`` beside necks, heads and moving averages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ._layout import Conversion, Which, split

if TYPE_CHECKING:
    from torch import Tensor

KINDS = {
    "neck": r"neck\.",
    "head": r"head\.",
    "momentum": r"(momentum_encoder|encoder_k|target_net|teacher)\.|ema_|\w+_m\.",
    "data_preprocessor": r"data_preprocessor\.",
    # queues of keys (MoCo), targets of masked models, the token that stands for a hidden patch
    "other": r"queue\d*(_ptr)?$|target_generator\.|backbone\.mask_token$",
}
# the average of nn.Sequential(backbone, neck)
MOMENTUM = r"(momentum_encoder|encoder_k|target_net)\.module\.0\."


def to_backbone(state_dict: Mapping[str, Tensor], which: Which = "online") -> Conversion:
    """Takes the backbone out of an mmpretrain model (SimCLR, MoCo v2/v3, MAE, ImageClassifier …).

    Args:
        state_dict: The model's ``state_dict()``.
        which: ``online`` takes ``backbone.*``; ``momentum`` takes the copy in the moving
            average, and drops the other as kind ``online``.

    Returns:
        The backbone and what was dropped.

    Raises:
        BenchError: No backbone key, or a key of no known kind.
    """
    if which == "online":
        return split("mmpretrain", state_dict, r"backbone\.", KINDS)
    kinds = {**KINDS, "online": r"backbone\."}
    kinds["momentum"] = rf"(?!{MOMENTUM})({KINDS['momentum']})"
    return split("mmpretrain", state_dict, MOMENTUM, kinds)
