"""BYOL-like files: an online and a target network or encoder, each a backbone and a projector.

Sources: lucidrains' byol-pytorch (``online_encoder.net.*``, ``target_encoder.net.*``,
``online_predictor.*``, and the backbone once more as ``net.*``); lightning-bolts
(``online_network.encoder.*``); sthalles' PyTorch-BYOL, which keeps both networks' state dicts under
``online_network_state_dict`` and ``target_network_state_dict`` and the ResNet's children by number
(`mrcl_bench.checkpoint.load_state_dict` joins the two).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ._keys import EITHER, MODULE, Layout, has, named
from ._layout import Conversion, Which, split
from ._sequential import NUMBERED, by_name

if TYPE_CHECKING:
    from torch import Tensor

DESCRIBES = "BYOL-like: lucidrains' byol-pytorch, lightning-bolts, sthalles' PyTorch-BYOL"
PREFIX = rf"{MODULE}(learner\.)?"
"""``learner.`` stands there in lucidrains' example for Lightning."""
_INSIDE = r"(module\.)?((net|encoder|backbone)\.)?"
LAYOUT = Layout(
    "byol",
    online=rf"{PREFIX}online_(encoder|network)\.{_INSIDE}",
    momentum=rf"{PREFIX}target_(encoder|network)\.{_INSIDE}",
    kinds={
        "projector": rf"{PREFIX}(online|target)_(encoder|network)\.(module\.)?"
        r"(proje(c)?t(or|ion(_head)?))\.",
        "predictor": rf"{PREFIX}((online_)?predictor|(online|target)_network\.predictor)\.",
        "head": rf"{PREFIX}((online|target)_(encoder|network)\.)?((net|encoder|backbone)\.)?"
        rf"(fc|head)\.|{PREFIX}non_linear_evaluator\.",
        "copy": rf"{PREFIX}net\.",
    },
    signs=(rf"{PREFIX}online_(encoder|network)\.{_INSIDE}({EITHER}|{NUMBERED})",),
    names=f"({EITHER}|{NUMBERED})",
)
recognises = LAYOUT.recognises


def to_backbone(state_dict: Mapping[str, Tensor], which: Which = "online") -> Conversion:
    """Takes the online backbone, or the target's as ``momentum``; see `Layout.take`."""
    prefixes = (LAYOUT.online, LAYOUT.momentum or "")
    wanted, other = prefixes if which == "online" else prefixes[::-1]
    left = "momentum" if which == "online" else "online"
    kinds = {**LAYOUT.kinds, left: f"{other}(?={LAYOUT.names})"}
    found = split("byol", state_dict, f"{wanted}(?={LAYOUT.names})", kinds)
    taken = named(replace(found, backbone=by_name(found.backbone)))
    if has(state_dict, rf"{PREFIX}net\."):
        return taken
    note = "BYOL's forks differ: that they feed ImageNet's normalisation is the authors' habit."
    return replace(taken, notes=(note,))
