"""What a config's stem says.

A stem is fields joined by ``_``, a field is words joined by ``-``::

    [algorithm or detector_]backbone[-word][_head or neck]_GPUSxbBATCH[-word]-LENGTH_data[-size]

in which the schedule (``8xb2-amp-160k``) is left out where nothing is trained, and the word for a
probe (``linear-lbfgs``, ``knn``) stands in the place of the head. What follows ``__`` is a sweep's
and is not looked at. All words that mean something here are in the tables of this module; any other
word must be one of the config's own, from its ``family``, ``adapter`` or ``display``.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Unit = Literal["epochs", "iterations", "times"]

CLASSES = {
    "mrcl": "MRCL",
    "simclr": "SimCLR",
    "mocov2": "MoCo",
    "mocov3": "MoCoV3",
    "mae": "MAE",
    "supervised": "ImageClassifier",
    "mask-rcnn": "MaskRCNN",
    "faster-rcnn": "FasterRCNN",
}
"""First field to the class of the model; ``random`` may be any, others are spelled like theirs."""
HEADS = {"upernet": "UPerHead", "fcn": "FCNHead"}
"""First word of a segmenter's field to the class of its head."""
PROBES = {"linear-lbfgs": "linear", "knn": "knn"}
"""Beginning of a probe's field to its adapter; others are spelled like theirs."""
DATA: dict[str, tuple[tuple[str, ...], int | None]] = {
    "in1k": (("imagenet",), 224),
    "coco": (("coco",), None),
    "voc07": (("voc07",), None),
    "voc0712": (("voc0712",), None),
    "ade20k": (("ade20k",), None),
    "cityscapes": (("cityscapes",), None),
    "fashion-mnist": (("fashion-mnist",), None),
    "stamps": (("stamps",), None),
    "micro": (("stamps-micro",), None),
}
"""Tag to data ids and the side of the pictures if the tag gives none. Others are ``own:<tag>``."""
VITS = {
    "tiny": (192, 12, 3),
    "small": (384, 12, 6),
    "base": (768, 12, 12),
    "large": (1024, 24, 16),
}
"""Name of a ViT to width, layers and heads."""
RESNETS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
"""Depth of a ResNet to the blocks of its stages."""
POLICIES = {"coslr": "CosineAnnealingLR", "steplr": "MultiStepLR", "polylr": "PolyLR"}
OPTIMISERS = {"sgd": "SGD", "lars": "LARS", "adamw": "AdamW"}
_BACKBONE = re.compile(r"resnet\d+|vit-[a-z]+-p\d+|vit-\d+x\d+")
_SCHEDULE = re.compile(r"(\d+)xb(\d+)")
_LENGTH = re.compile(r"(\d+)(e|k|iters|x)")


class Stem(BaseModel):
    """A stem, taken apart.

    Attributes:
        text: The stem without what a sweep adds.
        method: Algorithm or detector, ``""`` where the stem begins with the backbone.
        backbone: The backbone's label.
        parts: Fields between backbone and schedule: head, neck or kind of probe.
        gpus: GPUs that it was written for, None without a schedule.
        batch: Pictures per GPU, None without a schedule.
        words: Words behind the backbone's label and in the schedule but for its length.
        length: Epochs, iterations or multiples of 12 epochs, None where nothing is trained.
        unit: What ``length`` counts.
        data: Name of the data, ``""`` if none is given.
        share: Per cent of the labels.
        size: Height and width in pixels.
        micro: Whether it says that the data is the tests' small set.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    method: str
    backbone: str
    parts: tuple[str, ...] = ()
    gpus: int | None = None
    batch: int | None = None
    words: tuple[str, ...] = ()
    length: int | None = None
    unit: Unit | None = None
    data: str = ""
    share: int | None = None
    size: tuple[int, int] | None = None
    micro: bool = False


def parse_stem(stem: str, backbone: str = "") -> Stem:
    """Takes a stem apart.

    Args:
        stem: A config's stem.
        backbone: A label to look for beside those of ResNets and ViTs.

    Returns:
        What it says.

    Raises:
        ValueError: It does not follow the grammar.
    """
    text = stem.partition("__")[0]
    fields = text.split("_")
    found = [(i, label) for i, field in enumerate(fields) if (label := _label(field, backbone))]
    if not found:
        raise ValueError(f"{text} names no backbone")
    at, label = found[0]
    if at > 1:
        raise ValueError(f"{text} has {at} fields before the backbone")
    said: dict[str, Any] = {
        "text": text,
        "method": fields[0] if at else "",
        "backbone": label,
        "words": tuple(filter(None, fields[at].removeprefix(label).split("-"))),
        "parts": (),
    }
    for i, field in enumerate(fields[at + 1 :], at + 1):
        if _SCHEDULE.match(field) or _LENGTH.fullmatch(field):
            if "length" in said:
                raise ValueError(f"{text} has two schedules")
            said |= _schedule(field, text, said["words"])
        elif i == len(fields) - 1:
            said |= _data(field)
        elif "length" in said:
            raise ValueError(f"{text} has a field between schedule and data: {field}")
        else:
            said["parts"] = (*said["parts"], field)
    return Stem.model_validate(said)


def _label(field: str, backbone: str) -> str:
    """The backbone's label at the beginning of a field, or ``""``."""
    if backbone and (field == backbone or field.startswith(f"{backbone}-")):
        return backbone
    match = _BACKBONE.match(field)
    return match[0] if match and field[match.end() :][:1] in ("", "-") else ""


def _schedule(field: str, text: str, words: tuple[str, ...]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    free = []
    for word in field.split("-"):
        if pair := _SCHEDULE.fullmatch(word):
            said |= {"gpus": int(pair[1]), "batch": int(pair[2])}
        elif (match := _LENGTH.fullmatch(word)) and "length" not in said:
            unit: Unit = {"e": "epochs", "x": "times"}.get(match[2], "iterations")  # type: ignore[assignment]
            said |= {"length": int(match[1]) * (1000 if match[2] == "k" else 1), "unit": unit}
        else:
            free.append(word)
    if "length" not in said:
        raise ValueError(f"{text} does not say how long it trains")
    return {**said, "words": (*words, *free)}


def _data(field: str) -> dict[str, Any]:
    """Takes the last field apart: name, size, share of the labels, small or not."""
    said: dict[str, Any] = {}
    if field == "micro":
        return {"data": "micro", "micro": True}
    if field.endswith("-micro"):
        field, said["micro"] = field.removesuffix("-micro"), True
    if share := re.search(r"-(\d+)pct$", field):
        field, said["share"] = field[: share.start()], int(share[1])
    if size := re.search(r"-(\d+)x(\d+)$", field):
        field, said["size"] = field[: size.start()], (int(size[1]), int(size[2]))
    elif field not in DATA and (side := re.search(r"(?<=[a-z])(\d+)$", field)):
        field, said["size"] = field[: side.start()], (int(side[1]), int(side[1]))
    return {**said, "data": field}
