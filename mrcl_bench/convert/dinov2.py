"""facebookresearch's DINOv2: timm's names beside a mask token, with or without registers.

Source: ``dinov2/models/vision_transformer.py`` of github.com/facebookresearch/dinov2. Released
backbones stand alone; training keeps ``teacher.backbone.*``, its blocks in chunks
(``blocks.<chunk>.<block>``). Registers have no position there, as rows of negative zeros say here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ..normalisation import IMAGENET
from ._keys import VIT, has, no_average, refuse
from ._layout import Conversion, Which, split

if TYPE_CHECKING:
    from torch import Tensor

DESCRIBES = "DINOv2 of facebookresearch, with or without registers (SwiGLU is refused)"
_PREFIX = r"((student|teacher)\.)?(module\.)?(backbone\.)?"
NAMES = VIT.replace("reg_token$", "register_tokens$")
KINDS = {
    "mask_token": rf"{_PREFIX}mask_token$",
    "projector": r"((student|teacher)\.)?(module\.)?(dino_head|ibot_head)\.",
    "head": rf"{_PREFIX}head\.",
}


def recognises(state_dict: Iterable[str]) -> bool:
    """Tells whether the key names are DINOv2's, by layer scale and mask token."""
    return has(
        state_dict, rf"{_PREFIX}mask_token$", rf"{_PREFIX}blocks\.(\d+\.)+ls1\.gamma$"
    ) and not has(state_dict, r"decoder_")


def to_backbone(state_dict: Mapping[str, Tensor], which: Which = "online") -> Conversion:
    """Takes the backbone, which is the teacher's wherever it is alone.

    Raises:
        BenchError: No backbone key, a key of no known kind, no moving average, or SwiGLU.
    """
    prefix, kinds = _PREFIX, dict(KINDS)
    if has(state_dict, r"teacher\.") and has(state_dict, r"student\."):
        wanted, other = ("teacher", "student") if which == "momentum" else ("student", "teacher")
        prefix = rf"{wanted}\.(module\.)?(backbone\.)?"
        kinds["online" if which == "momentum" else "momentum"] = rf"{other}\."
    elif which == "momentum" and not has(state_dict, r"teacher\."):
        raise no_average("dinov2")
    found = split("dinov2", state_dict, f"{prefix}(?={NAMES})", kinds)
    names = {key: re.sub(r"^blocks\.\d+\.(\d+\.)", r"blocks.\1", key) for key in found.backbone}
    if len(set(names.values())) < len(names):  # chunks count on through the whole network
        names = {key: key for key in names}
    backbone = {names[key]: value for key, value in found.backbone.items()}
    refuse(backbone)
    return replace(
        found, backbone=with_registers(backbone), dialect="timm", normalisation=IMAGENET,
        traits={"norm_eps": 1e-6},
    )  # fmt: skip


def with_registers(backbone: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Names registers as timm does, and gives them positions of negative zeros, that is, none.

    Args:
        backbone: By timm's names but for ``register_tokens`` (1, R, C), whose ``pos_embed``
            (1, 1 + N, C) is of class token and patches.

    Returns:
        By timm's names; ``pos_embed`` is (1, 1 + R + N, C).
    """
    renamed = {"reg_token" if k == "register_tokens" else k: v for k, v in backbone.items()}
    if "reg_token" in renamed and "pos_embed" in renamed:
        import torch

        positions, registers = renamed["pos_embed"], renamed["reg_token"]
        none = torch.full_like(registers, -0.0)
        renamed["pos_embed"] = torch.cat((positions[:, :1], none, positions[:, 1:]), dim=1)
    return renamed
