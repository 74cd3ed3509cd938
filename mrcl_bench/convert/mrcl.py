"""Our own MRCL (`mrcl_bench.models.MRCL`): ``backbone.*`` beside projector, decoder and average."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ._keys import has
from ._layout import Conversion, Which, split

if TYPE_CHECKING:
    from torch import Tensor

DESCRIBES = "this project's own MRCL runs"
ONLINE = r"backbone\."
MOMENTUM = r"momentum_encoder\.module\.0\."
FOREIGN = r"(classifier|online_classifier|backbone\.(vit|conv_proj))\."
"""solo-learn's and lightly's MAE."""
KINDS = {
    "neck": r"(neck|decoder)\.",
    "head": r"(head|contrast_head)\.",
    "data_preprocessor": r"data_preprocessor\.",
}


def recognises(state_dict: Iterable[str]) -> bool:
    """Tells whether the key names are MRCL's, by its contrast head or decoder."""
    own = has(state_dict, r"(contrast_head|decoder)\.")
    return has(state_dict, ONLINE) and own and not has(state_dict, FOREIGN)


def to_backbone(state_dict: Mapping[str, Tensor], which: Which = "online") -> Conversion:
    """Takes one of MRCL's two encoders.

    Args:
        state_dict: The model's ``state_dict()``.
        which: ``online`` takes ``backbone.*``; ``momentum`` takes its moving average, and drops
            the other as kind ``online``.

    Returns:
        The backbone and what was dropped.

    Raises:
        BenchError: No backbone key (a model without the contrastive part has no moving
            average), or a key of no known kind.
    """
    if which == "online":
        return split("mrcl", state_dict, ONLINE, {**KINDS, "momentum": r"momentum_encoder\."})
    rest = rf"(?!{MOMENTUM})momentum_encoder\."
    return split("mrcl", state_dict, MOMENTUM, {**KINDS, "momentum": rest, "online": ONLINE})
