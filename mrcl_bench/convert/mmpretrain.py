"""Models trained with mmpretrain: ``backbone.*`` beside necks, heads and moving averages.

A ViT's backbone alone, without any prefix, is mmpretrain's, too: `mrcl-bench convert` writes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ._keys import has
from ._layout import Conversion, Which, split

if TYPE_CHECKING:
    from torch import Tensor

DESCRIBES = "mmpretrain (SimCLR, MoCo, MAE, classifiers …), and backbones by its names alone"
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
NAMES = (
    r"(cls_token|pos_embed|patch_embed|pre_norm|layers|ln1|ln2|register_tokens|stem|layer[1-4])\b"
)
"""Start of the keys of a backbone alone: a ViT, or a ResNet with a deep stem."""
ALONE = (r"patch_embed\.projection\.", r"layers\.\d+\.(ln1|attn\.qkv)\.")
DEEP = (r"stem\.0\.conv\.weight$", r"layer1\.0\.conv1\.weight$")
# what stands beside ``backbone.*`` in other publishers' files, and their names in it
FOREIGN = (
    r"(\w+_head\w*|roi_head|contrast_head|online_classifier|prediction_head)\.",
    r"(classifier|projector\d*|predictor|prototypes|decoder|encoder|bn|heads)\.",
    r"(proposal_generator|roi_heads|pixel_mean|bbox_embed|query_embedding|dn_query_generator)\b",
    r"backbone\.(\d+|bottom_up|res[2-5]|net|fc|_feature_blocks|blocks|embeddings|body)\.",
    r"backbone\.(stem\.conv1\.weight|register_tokens|patch_embed\.proj\.)",
    r"backbone\.layers\.\d+\.attn\.attn\.",
    r"layers\.\d+\.attn\.attn\.",
    r"head\.(mlp|last_layer)\.",
)


def recognises(state_dict: Iterable[str]) -> bool:
    """Tells whether the key names are mmpretrain's and not another user's of ``backbone.``."""
    keys = list(state_dict)
    if any(has(keys, pattern) for pattern in FOREIGN):
        return False
    return has(keys, r"backbone\.") or has(keys, *ALONE) or has(keys, *DEEP)


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
        alone = not has(state_dict, r"backbone\.") and (
            has(state_dict, *ALONE) or has(state_dict, *DEEP)
        )
        return split("mmpretrain", state_dict, f"(?={NAMES})" if alone else r"backbone\.", KINDS)
    kinds = {**KINDS, "online": r"backbone\."}
    kinds["momentum"] = rf"(?!{MOMENTUM})({KINDS['momentum']})"
    return split("mmpretrain", state_dict, MOMENTUM, kinds)
