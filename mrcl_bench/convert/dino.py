"""facebookresearch's DINO: student and teacher, ``module.backbone.*`` beside the projector.

Source: ``main_dino.py``, ``utils.py`` (MultiCropWrapper) and ``vision_transformer.py`` of
github.com/facebookresearch/dino. A full checkpoint keeps student and teacher in two dicts, which
`mrcl_bench.checkpoint.load_state_dict` joins under ``student.`` and ``teacher.``. The backbone
alone goes by timm's or torchvision's names exactly and is recognised as theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ._keys import EITHER, Layout, has
from ._layout import Conversion, Which

if TYPE_CHECKING:
    from torch import Tensor

DESCRIBES = "DINO of facebookresearch: full checkpoints (`teacher`, `student`) and backbones"
_INSIDE = r"(module\.)?(backbone\.)?"
PROJECTOR = r"((student|teacher)\.)?(module\.)?head\.(mlp|last_layer)\."
LAYOUT = Layout(
    "dino",
    online=rf"(student\.)?{_INSIDE}",
    momentum=rf"teacher\.{_INSIDE}",
    kinds={"projector": PROJECTOR},
)
ALONE = replace(LAYOUT, online=rf"teacher\.{_INSIDE}", momentum=None)


def recognises(state_dict: Iterable[str]) -> bool:
    """Tells whether the key names are those of student or teacher."""
    keys = list(state_dict)
    pair = has(keys, rf"(student|teacher)\.(module\.)?backbone\.{EITHER}")
    one = has(keys, rf"(module\.)?backbone\.{EITHER}", r"(module\.)?head\.last_layer\.")
    one = one and not has(keys, r"(classifier|momentum_\w+)\.")  # solo-learn's DINO
    return (pair or one) and not has(keys, r"((student|teacher)\.)?(module\.)?backbone\.mask_token")


def to_backbone(state_dict: Mapping[str, Tensor], which: Which = "online") -> Conversion:
    """Takes the student's backbone, or the teacher's as ``momentum``; see `Layout.take`."""
    teacher, student = has(state_dict, r"teacher\."), has(state_dict, r"student\.")
    if teacher and not student:
        found = ALONE.take(state_dict, "online")
        return replace(found, notes=("The file holds the teacher alone, the moving average.",))
    found = LAYOUT.take(state_dict, which)
    if teacher and which == "online":
        note = "This is the student; DINO's authors judge the teacher: --encoder momentum."
        return replace(found, notes=(note,))
    return found
