"""solo-learn: ``backbone.*`` (earlier ``encoder.*``) beside classifier, projector and averages.

Source: ``solo/methods`` of github.com/vturrisi/solo-learn: SimCLR and all its other methods name
these parts alike; checkpoints are Lightning's ``.ckpt``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ._keys import EITHER, Layout, has
from ._layout import Conversion, Which

if TYPE_CHECKING:
    from torch import Tensor

DESCRIBES = "solo-learn: SimCLR and its other methods (`.ckpt`; `backbone.`, earlier `encoder.`)"
LAYOUT = Layout(
    "solo_learn",
    online=r"(backbone|encoder)\.",
    momentum=r"momentum_(backbone|encoder)\.",
    kinds={
        "head": r"((momentum_)?(classifier|head)|(backbone|encoder)\.(fc|head))\.",
        "projector": r"(momentum_)?projector\d*\.",
        "predictor": r"(momentum_)?predictor\d*\.",
        "prototypes": r"prototypes\.",
        "decoder": r"decoder\.",
        "transformer": r"(transformer_encoder|pos_enc)\.",
        "queue": r"(queue\w*|local_memory_(index|embeddings))$",
        "loss": r"(dino_loss_func|loss_func|whitening)\.",
    },
)
HEADS = {192: 12, 384: 12}
"""Width to heads of the ViTs it builds itself, for MoCo v3 and MAE, where timm's have fewer."""
NOTE = "solo-learn feeds ImageNet's normalisation except to CIFAR and STL models: see --mean."


def recognises(state_dict: Iterable[str]) -> bool:
    """Tells whether the key names are solo-learn's: a classifier or projector beside a backbone."""
    keys = list(state_dict)
    encoder = rf"(backbone|encoder)\.{EITHER}"
    foreign = (r"bn\.", r"module\.", r"(neck|data_preprocessor|contrast_head)\.", "encoder_q")
    beside = has(keys, r"(classifier|projector)\.")
    return has(keys, encoder) and beside and not any(has(keys, no) for no in foreign)


def to_backbone(state_dict: Mapping[str, Tensor], which: Which = "online") -> Conversion:
    """Takes the backbone, or its moving average; see `Layout.take`."""
    found = LAYOUT.take(state_dict, which)
    token = found.backbone.get("cls_token")
    mae = has(state_dict, r"decoder\.decoder_embed\.")
    # of the methods with a moving average, MoCo v3 alone has a projector without bias
    moco = has(state_dict, r"momentum_projector\.") and not has(state_dict, r"projector\.0\.bias$")
    heads = HEADS.get(token.shape[-1]) if token is not None and (mae or moco) else None
    return replace(found, notes=(NOTE,), traits={"num_heads": heads} if heads else {})
