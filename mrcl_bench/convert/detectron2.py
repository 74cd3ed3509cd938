"""detectron2's ResNets: its own names, or Caffe2's blob names of the MSRA models (``R-50.pkl``).

Sources: ``detectron2/checkpoint/c2_model_loading.py``, ``detection_checkpoint.py``,
``modeling/backbone/resnet.py``, ``layers/batch_norm.py`` and
``tools/convert-torchvision-to-d2.py`` of github.com/facebookresearch/detectron2. MSRA's models
have the stride in the first convolution and take BGR with std 1; their batch norms are scale and
shift alone, as mean 0 and variance 1 say here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import BenchError
from ..normalisation import IMAGENET
from ._keys import has, no_average, refuse
from ._layout import Conversion, Which, split

if TYPE_CHECKING:
    from torch import Tensor

DESCRIBES = "detectron2 ResNets (`.pkl`, `.pth`), its own names and Caffe2's (MSRA, BGR)"
CAFFE2 = r"res([2-5])_(\d+)_branch(1|2[abc])(_bn)?_(\w+)"
CAFFE2_STEM = r"(?:conv1|(res_conv1_bn))_(\w+)"
_CAFFE2_PARTS = {
    (False, "w"): "weight",
    (True, "s"): "weight",
    (True, "b"): "bias",
    (True, "rm"): "running_mean",
    (True, "riv"): "running_var",
    (True, "gamma"): "weight",
    (True, "beta"): "bias",
}
_CAFFE2_KINDS = {
    "optimizer": r".*_momentum$|lr$|model_iter$",
    "head": r"(fc\d+|pred|cls_score|bbox_pred|conv_rpn|rpn_|fpn_|mask_|_\[mask\]_|conv5_mask|kps_"
    r"|head_|conv_fcn|retnet_)\w*",
}
_BACKBONE = r"((backbone\.(bottom_up\.)?)|(roi_heads\.(?=res5\.)))?"
NAMES = r"(stem\.conv1\.|res[2-5]\.\d+\.)"
KINDS = {
    "head": r"(roi_heads\.(?!res5\.)|proposal_generator\.|sem_seg_head\.|head\.|(stem\.)?fc\.|"
    r"linear\.)",
    "neck": r"backbone\.(fpn_|top_block\.)",
    "data_preprocessor": r"pixel_(mean|std)$",
    "anchors": r".*anchor_generator\.",
    "queue": r"queue(_ptr)?$",
}
_BLOCK = r"res([2-5])\.(\d+)\.(conv[123]|shortcut)\.(norm\.)?(\w+)"
_STEM = r"stem\.conv1\.(norm\.)?(\w+)"
MSRA: dict[str, Any] = {
    "mean": (103.53, 116.28, 123.675),
    "std": (1.0, 1.0, 1.0),
    "channel_order": "bgr",
}
"""``PIXEL_MEAN`` and ``PIXEL_STD`` of detectron2's default config, for its MSRA models."""
EPSILON = 1e-5
"""Of batch norms everywhere; detectron2 takes it from the frozen ones' variance of 1."""
_FROZEN = "The batch norms are MSRA's scale and shift; mean 0 and variance 1 were written for them."


def recognises(state_dict: Iterable[str]) -> bool:
    """Tells whether the key names are detectron2's or Caffe2's."""
    keys = list(state_dict)
    return has(keys, r"res2_0_branch2a_w$") or has(
        keys, rf"{_BACKBONE}res2\.0\.conv1\.weight$", rf"{_BACKBONE}stem\.conv1\.weight$"
    )


def to_backbone(state_dict: Mapping[str, Tensor], which: Which = "online") -> Conversion:
    """Takes the ResNet, by torchvision's names.

    Raises:
        BenchError: No backbone key, a key of no known kind, or no moving average.
    """
    if which == "momentum":
        raise no_average("detectron2")
    if has(state_dict, r"res2_0_branch2a_w$"):
        names = rf"({CAFFE2}|{CAFFE2_STEM})$"
        found = split("detectron2", state_dict, f"(?={names})", _CAFFE2_KINDS)
        backbone = _named(found.backbone, _from_caffe2)
    else:
        found = split("detectron2", state_dict, f"{_BACKBONE}(?={NAMES})", KINDS)
        backbone = _named(found.backbone, _from_native)
    refuse(backbone)
    bare = not any(key.endswith("running_mean") for key in backbone)
    backbone = _with_statistics(backbone)
    feed, assumed = _feed(state_dict)
    bottleneck = "layer1.0.conv3.weight" in backbone
    style = "caffe" if feed["channel_order"] == "bgr" and bottleneck else "pytorch"
    return Conversion(
        backbone,
        found.dropped,
        # torchvision has no network in caffe's style
        dialect="mmdet" if style == "caffe" else "torchvision",
        normalisation=feed,
        traits={"style": style},
        notes=(*((_FROZEN,) if bare else ()), *assumed),
    )


def _feed(state_dict: Mapping[str, Tensor]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Reads mean and std, or tells MSRA's models from those converted from torchvision's names."""
    mean, std = state_dict.get("pixel_mean"), state_dict.get("pixel_std")
    if mean is not None and std is not None and mean.numel() == std.numel() == 3:
        values = [round(value, 4) for value in mean.flatten().tolist()]
        read = {
            "mean": tuple(values),
            "std": tuple(round(value, 4) for value in std.flatten().tolist()),
            # the smallest of the usual means is blue's
            "channel_order": "bgr" if values[0] < values[2] else "rgb",
        }
        note = "Mean and std are the file's; channel order and stride are assumed by the means."
        return read, (note,)
    if has(state_dict, r".*\.num_batches_tracked$"):
        note = (
            "Batch norms with counters are taken for weights converted from torchvision's names: "
            "fed as RGB on ImageNet, stride in the 3x3 convolution."
        )
        return IMAGENET, (note,)
    if has(state_dict, r"res2_0_branch2a_w$"):
        return MSRA, ()
    note = (
        "Taken for a model that started from MSRA's: BGR, std 1, stride in the first convolution."
    )
    return MSRA, (note,)


def _named(weights: Mapping[str, Tensor], rename: Any) -> dict[str, Tensor]:
    renamed: dict[str, Tensor] = {}
    for key, value in weights.items():
        name = rename(key)
        if name is None or name in renamed:
            raise BenchError(
                f"'{key}' is of no kind that detectron2 knows.",
                "Choose another source format with --from.",
            )
        renamed[name] = value
    return renamed


def _from_caffe2(key: str) -> str | None:
    if found := re.fullmatch(CAFFE2, key):
        stage, block, branch, norm, part = found.groups()
        last = _CAFFE2_PARTS.get((norm is not None, part))
        return last and _in_block(stage, block, "0" if branch == "1" else branch[1], norm, last)
    if found := re.fullmatch(CAFFE2_STEM, key):
        last = _CAFFE2_PARTS.get((found[1] is not None, found[2]))
        return last and f"{'bn1' if found[1] else 'conv1'}.{last}"
    return None


def _from_native(key: str) -> str | None:
    if found := re.fullmatch(_BLOCK, key):
        stage, block, layer, norm, part = found.groups()
        return _in_block(stage, block, "0" if layer == "shortcut" else layer[-1], norm, part)
    if found := re.fullmatch(_STEM, key):
        return f"{'bn1' if found[1] else 'conv1'}.{found[2]}"
    return None


def _in_block(stage: str, block: str, place: str, norm: str | None, part: str) -> str:
    """Names a block's weight; place 0 is the shortcut, a to c and 1 to 3 its convolutions."""
    at = f"layer{int(stage) - 1}.{block}"
    if place == "0":
        return f"{at}.downsample.{1 if norm else 0}.{part}"
    number = {"a": "1", "b": "2", "c": "3"}.get(place, place)
    return f"{at}.{'bn' if norm else 'conv'}{number}.{part}"


def _with_statistics(backbone: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Gives batch norms that are scale and shift alone the mean 0 and, with epsilon, variance 1."""
    import torch

    filled: dict[str, Tensor] = {}
    for key, value in backbone.items():
        filled[key] = value
        norm, _, part = key.rpartition(".")
        if part == "bias" and f"{norm}.running_mean" not in backbone:
            filled[f"{norm}.running_mean"] = torch.zeros_like(value)
            filled[f"{norm}.running_var"] = torch.ones_like(value) - EPSILON
    return filled
