"""lightly: ``backbone.*``, mostly a ResNet's children by number, beside ``projection_head.*``.

Source: the models of docs.lightly.ai/self-supervised-learning (SimCLR, MoCo, BYOL, SimSiam,
Barlow Twins, SwAV, DINO …) and ``lightly/models``; they keep
``nn.Sequential(*resnet.children())``, and name moving averages ``backbone_momentum`` or
``teacher_backbone``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ._keys import EITHER, MODULE, Layout, named
from ._layout import Conversion, Which, split
from ._sequential import NUMBERED, by_name

if TYPE_CHECKING:
    from torch import Tensor

DESCRIBES = "lightly: SimCLR and its other models (`backbone.0.`, `projection_head.`)"
_MODEL = rf"{MODULE}(model\.)?"
ONLINE = rf"{_MODEL}(student_)?backbone\."
MOMENTUM = rf"{_MODEL}(backbone_momentum|teacher_backbone)\."
NAMES = f"({EITHER}|{NUMBERED})"
KINDS = {
    "projector": rf"{_MODEL}(projection_head(_momentum)?|(student|teacher)_(projection_)?head)\.",
    "predictor": rf"{_MODEL}prediction_head\.",
    "prototypes": rf"{_MODEL}prototypes\.",
    "head": rf"{_MODEL}(online_classifier|fc|{ONLINE}(fc|head))\.|{ONLINE}(fc|head)\.",
    "queue": rf"{_MODEL}(criterion|memory_bank|start_queue\w*|queues?)\b",
}
LAYOUT = Layout(
    "lightly",
    online=ONLINE,
    signs=(ONLINE + NAMES, rf"{_MODEL}(projection_head|student_(projection_)?head)\."),
    never=(r"(classifier|projector|neck|data_preprocessor)\.",),
)
recognises = LAYOUT.recognises


def to_backbone(state_dict: Mapping[str, Tensor], which: Which = "online") -> Conversion:
    """Takes the backbone, or its moving average.

    Raises:
        BenchError: As `Layout.take`; lightly's own ResNet for small images has other numbers.
    """
    wanted, other = (ONLINE, MOMENTUM) if which == "online" else (MOMENTUM, ONLINE)
    left = "momentum" if which == "online" else "online"
    found = split(
        "lightly", state_dict, f"{wanted}(?={NAMES})", {**KINDS, left: f"{other}(?={NAMES})"}
    )
    return named(replace(found, backbone=by_name(found.backbone)))
