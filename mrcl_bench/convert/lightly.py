"""lightly: ``backbone.*``, mostly a ResNet's children by number, beside ``projection_head.*``.

Source: the models of docs.lightly.ai/self-supervised-learning (SimCLR, MoCo, BYOL, SimSiam,
Barlow Twins, SwAV, DINO …) and ``lightly/models``; they keep
``nn.Sequential(*resnet.children())``, and name moving averages ``backbone_momentum`` (the
older classes of ``lightly/models`` ``momentum_backbone``) or ``teacher_backbone``. Its benchmarks
(``benchmarks/imagenet``) keep torchvision's names, and for DINO, TiCo and MoCo v2 call the moving
average ``backbone``, as the examples of MSN do. ViTs stand in a wrapper, under ``vit.``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ._keys import EITHER, MODULE, Layout, has, named
from ._layout import Conversion, Which, split
from ._sequential import NUMBERED, by_name
from .torchvision import VITS

if TYPE_CHECKING:
    from torch import Tensor

DESCRIBES = "lightly: SimCLR and its other models (`backbone.0.`, `projection_head.`)"
_MODEL = rf"{MODULE}(model\.)?"
_VIT = r"(vit\.)?"
PLAIN = rf"{_MODEL}backbone\.{_VIT}"
AVERAGE = rf"{_MODEL}(backbone_momentum|momentum_backbone|teacher_backbone)\.{_VIT}"
TRAINED = rf"{_MODEL}(student|query|anchor)_backbone\.{_VIT}"
"""Where it stands, it has the gradients, and ``backbone`` is its moving average."""
_ANY = rf"{_MODEL}((student|query|anchor|teacher|momentum)_)?backbone(_momentum)?\."
_ROLE = r"((student|query|anchor|teacher|momentum)_)?"
NAMES = f"({EITHER}|{NUMBERED}|{VITS.names})"
KINDS = {
    "projector": rf"{_MODEL}({_ROLE}projection_(head|mlp)(_global|_local)?(_momentum)?|"
    r"local_projector|((student|teacher)_)?(dino|ibot)_head|(student|teacher)_(cls_|patch_)?head)\.",
    "predictor": rf"{_MODEL}{_ROLE}prediction_(head|mlp)\.",
    "prototypes": rf"{_MODEL}(prototypes\b|smog\.)",
    "decoder": rf"{_MODEL}decoder\.",
    "mask_token": rf"({_ANY}|{_MODEL})mask_token$",
    "head": rf"{_MODEL}(online_classifier|fc)\.|{_ANY}{_VIT}(fc|head|heads)\.",
    "queue": rf"{_MODEL}(memory_bank|start_queue\w*|queues?)\b",
    "loss": rf"{_MODEL}(\w+_)?criterion(_\w+)?\.",
}
_BESIDE = rf"{_MODEL}({_ROLE}projection_(head|mlp)\w*|student_(dino_|ibot_)?head)\."
LAYOUT = Layout(
    "lightly",
    online=PLAIN,
    signs=(rf"{_ANY}{_VIT}{NAMES}", rf"({_BESIDE}|{_ANY}(vit|conv_proj)\.)"),
    never=(r"(classifier|projector|neck|data_preprocessor)\.",),
)
recognises = LAYOUT.recognises


def to_backbone(state_dict: Mapping[str, Tensor], which: Which = "online") -> Conversion:
    """Takes the backbone, or its moving average.

    Raises:
        BenchError: As `Layout.take`; lightly's own ResNet for small images has other numbers.
    """
    pair = (PLAIN, AVERAGE)
    if has(state_dict, TRAINED):
        pair = (TRAINED, rf"{_MODEL}(teacher_)?backbone\.{_VIT}")
    wanted, other = pair if which == "online" else pair[::-1]
    left = "momentum" if which == "online" else "online"
    found = split(
        "lightly", state_dict, f"{wanted}(?={NAMES})", {**KINDS, left: f"{other}(?={NAMES})"}
    )
    return named(replace(found, backbone=by_name(found.backbone)))
