"""What a config's stem says, and where the config does something else.

A stem is fields joined by ``_``, a field is words joined by ``-``::

    [algorithm or detector_]backbone[-word][_head or neck]_GPUSxbBATCH[-word]-LENGTH_data[-size]

in which the schedule (``8xb2-amp-160k``) is left out where nothing is trained, and the word for a
probe (``linear-lbfgs``, ``knn``) stands in the place of the head. What follows ``__`` is a sweep's
and is not looked at. All words that mean something here are in the tables of this module; any other
word must be one of the config's own, from its ``family``, ``adapter`` or ``display``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from .data.locate import folder_of
from .spec import Protocol, Recipe

Unit = Literal["epochs", "iterations", "times"]

_CLASSES = {
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
_HEADS = {"upernet": "UPerHead", "fcn": "FCNHead"}
"""First word of a segmenter's field to the class of its head."""
_PROBES = {"linear-lbfgs": "linear", "knn": "knn"}
"""Beginning of a probe's field to its adapter; others are spelled like theirs."""
_DATA: dict[str, tuple[tuple[str, ...], int | None]] = {
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
_VITS = {
    "tiny": (192, 12, 3),
    "small": (384, 12, 6),
    "base": (768, 12, 12),
    "large": (1024, 24, 16),
}
"""Name of a ViT to width, layers and heads."""
_RESNETS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
"""Depth of a ResNet to the blocks of its stages."""
_POLICIES = {"coslr": "CosineAnnealingLR", "steplr": "MultiStepLR", "polylr": "PolyLR"}
_OPTIMISERS = {"sgd": "SGD", "lars": "LARS", "adamw": "AdamW"}
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
    elif field not in _DATA and (side := re.search(r"(?<=[a-z])(\d+)$", field)):
        field, said["size"] = field[: side.start()], (int(side[1]), int(side[1]))
    return {**said, "data": field}


def contradictions(
    stem: str,
    spec: Recipe | Protocol,
    config: Any,
    network: Mapping[str, tuple[int, ...]] | None = None,
    heads: int | None = None,
    size: tuple[int, int] | None = None,
) -> list[str]:
    """Compares what a stem says with what its config does.

    Args:
        stem: The stem; usually ``spec.name``.
        spec: The config's bench block.
        config: The resolved config.
        network: Key to shape of the built backbone, if what the label says is to be checked.
        heads: Attention heads of the built backbone, if known.
        size: Height and width of a training picture when it enters the network, if known.

    Returns:
        One clause for every contradiction and for everything that must be said and is not.

    Raises:
        ValueError: The stem does not follow the grammar.
    """
    said = parse_stem(stem, spec.backbone)
    return [
        *_wrong_method(said, spec, config),
        *_wrong_backbone(said, spec, config, network, heads),
        *_wrong_schedule(said, spec, config),
        *_wrong_words(said, spec, config),
        *_wrong_data(said, spec, config, size),
    ]


def _is(config: Any, name: str) -> bool:
    """Whether a part of a config is of a class, whatever its scope."""
    return str((config or {}).get("type", "")).rpartition(".")[2] == name


def _squeezed(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _wrong_method(said: Stem, spec: Recipe | Protocol, config: Any) -> Iterator[str]:
    """Algorithm, detector, segmenter, probe; and the neck of a detector."""
    kind = str(config.model.type).rpartition(".")[2]
    if isinstance(spec, Recipe):
        if re.sub(r"v\d+$", "", said.method) != spec.algorithm:
            yield f"it begins with '{said.method}' and is a recipe of {spec.algorithm}"
        if said.method != "random" and kind != _CLASSES.get(said.method, kind):
            yield f"'{said.method}' is {_CLASSES[said.method]}, the model is {kind}"
        if said.method not in (*_CLASSES, "random") and _squeezed(kind) != _squeezed(said.method):
            yield f"'{said.method}' is not what the model is called, {kind}"
        if (said.method == "random") != (spec.role == "floor"):
            yield f"'{said.method}' and the role {spec.role}"
        if said.parts:
            yield f"'{'_'.join(said.parts)}' behind a recipe's backbone"
        return
    if spec.task == "detection":
        if _CLASSES.get(said.method) != kind:
            yield f"it begins with '{said.method}', the detector is {kind}"
        yield from _wrong_neck(said, config, short="paper" not in spec.profiles)
        return
    if said.method:
        yield f"'{said.method}' before the backbone of a protocol for {spec.task}"
    first = said.parts[0] if said.parts else ""
    if len(said.parts) > 1:
        yield f"two fields behind the backbone: {', '.join(said.parts)}"
    if spec.task == "segmentation":
        if not _is(config.model.decode_head, _HEADS.get(first.partition("-")[0], "")):
            yield f"the head is {config.model.decode_head.type}, not '{first}'"
    elif first:
        adapters = {_PROBES[probe] for probe in _PROBES if f"{first}-".startswith(f"{probe}-")}
        if first != spec.adapter.replace("_", "-") and adapters != {spec.adapter}:
            yield f"the adapter is {spec.adapter}, not '{first}'"
        if spec.adapter in ("linear", "knn") and ("cls" in first.split("-")) != (
            config.model.backbone.get("out_type") == "cls_token"
        ):
            yield "'cls' is said of probes on the class token, of these and of no others"
    else:
        word = "linear" if spec.adapter.startswith("linear") else "finetune"
        other = {"linear": "finetune", "finetune": "linear"}[word]
        if "semi" not in said.words and (word not in said.words or other in said.words):
            yield f"the adapter is {spec.adapter}, so one word is '{word}'"


def _wrong_neck(said: Stem, config: Any, short: bool) -> Iterator[str]:
    fpn = ("FPN", "SimpleFPN") if short else ("FPN",)
    necks: dict[str, Callable[[], bool]] = {
        "fpn": lambda: any(_is(config.model.neck, kind) for kind in fpn),
        "simple-fpn": lambda: _is(config.model.neck, "SimpleFPN"),
        "c4": lambda: not config.model.get("neck") and "shared_head" in config.model.roi_head,
    }
    if len(said.parts) != 1 or said.parts[0] not in necks:
        yield f"behind the backbone stands one of {', '.join(necks)}"
    elif not (config.model.get("neck") or said.parts[0] == "c4") or not necks[said.parts[0]]():
        yield f"the neck is not '{said.parts[0]}'"


def _wrong_backbone(
    said: Stem,
    spec: Recipe | Protocol,
    config: Any,
    network: Mapping[str, tuple[int, ...]] | None,
    heads: int | None,
) -> Iterator[str]:
    if said.backbone != spec.backbone:
        yield f"the backbone is {spec.backbone}, not {said.backbone}"
    backbone = config.model.backbone
    if (said.backbone[:6] == "resnet") != ("ResNet" in str(backbone.type)):
        yield f"{said.backbone} is no {backbone.type}"
    elif network is not None and said.backbone[:6] == "resnet":
        yield from _wrong_resnet(said, network)
    elif network is not None and said.backbone[:4] == "vit-":
        yield from _wrong_vit(said, network, heads)


def _wrong_resnet(said: Stem, network: Mapping[str, tuple[int, ...]]) -> Iterator[str]:
    depth = int(said.backbone[6:])
    per_block = 2 if depth < 50 else 3
    stages = 3 if "c4" in said.parts else 4
    expected = 1 + per_block * sum(_RESNETS.get(depth, ())[:stages])
    found = sum(bool(re.search(r"(^|\.)conv\d\.weight$", key)) for key in network)
    if found != expected:
        yield f"{said.backbone} has {expected} convolutions in {stages} stages, this one {found}"
    if network["conv1.weight"][0] != 64:
        yield f"the stem of {said.backbone} is 64 wide, not {network['conv1.weight'][0]}"


def _wrong_vit(
    said: Stem, network: Mapping[str, tuple[int, ...]], heads: int | None
) -> Iterator[str]:
    patches = network["patch_embed.projection.weight"]
    layers = {int(m[1]) for key in network if (m := re.match(r"(?:layers|blocks)\.(\d+)\.", key))}
    built = (patches[0], len(layers))
    if own := re.fullmatch(r"vit-(\d+)x(\d+)", said.backbone):
        if built != (int(own[1]), int(own[2])):
            yield f"{said.backbone} is built {built[0]} wide with {built[1]} layers"
        return
    _, name, patch = said.backbone.split("-")
    wide, deep, many = _VITS.get(name, (0, 0, 0))
    if built != (wide, deep) or (heads is not None and heads != many):
        yield f"{said.backbone} is built {built[0]} wide with {built[1]} layers and {heads} heads"
    if patches[-2:] != (int(patch[1:]), int(patch[1:])):
        yield f"{said.backbone} has patches of {patches[-1]}"


def _wrong_schedule(said: Stem, spec: Recipe | Protocol, config: Any) -> Iterator[str]:
    """Batch, length, precision, policy, optimiser."""
    if isinstance(spec, Recipe) and spec.role == "floor":
        if said.gpus is not None or (said.length, said.unit) != (0, "epochs"):
            yield "nothing is trained, which is written 0e"
        return
    if not config.get("train_cfg"):
        if said.length is not None:
            yield "there is a schedule, and the config has no training loop"
        return
    if said.gpus is None or said.batch is None or said.length is None:
        yield "a config that trains says GPUs, batch and length"
        return
    batch = config.train_dataloader.batch_size
    if said.batch != batch:
        yield f"{said.batch} pictures per GPU, the loader gives {batch}"
    whole = (config.get("auto_scale_lr") or {}).get("base_batch_size")
    if whole is None and said.gpus != 1:
        yield f"{said.gpus} GPUs, and no auto_scale_lr says for which batch the rate is"
    elif whole is not None and said.gpus * said.batch != whole:
        yield f"{said.gpus} x {said.batch} pictures, the rate is for {whole}"
    yield from _wrong_length(said, config)
    wrapper = config.optim_wrapper
    if ("amp" in said.words) != _is(wrapper, "AmpOptimWrapper"):
        yield f"'amp' is said of AmpOptimWrapper alone, this is {wrapper.type}"
    kinds = {str(part.type).rpartition(".")[2] for part in config.get("param_scheduler", [])}
    for word, kind in _POLICIES.items():
        if word in said.words and kind not in kinds:
            yield f"'{word}' without {kind}"
    usual = isinstance(spec, Protocol) and spec.task == "detection"  # 1x is steps everywhere
    for word in ("coslr", "steplr"):
        if "paper" in spec.profiles and not usual and _POLICIES[word] in kinds:
            if word not in said.words:
                yield f"'{word}' is not said"
    for word, kind in _OPTIMISERS.items():
        if word in said.words and not _is(wrapper.optimizer, kind):
            yield f"'{word}', and the optimiser is {wrapper.optimizer.type}"


def _wrong_length(said: Stem, config: Any) -> Iterator[str]:
    assert said.length is not None
    loop = config.train_cfg
    by_iteration = _is(loop, "IterBasedTrainLoop") or loop.get("by_epoch") is False
    length = loop.get("max_iters" if by_iteration else "max_epochs")
    if length is None:
        yield f"{loop.type} is not told how long to run"
        return
    wanted, unit = said.length, said.unit
    if unit == "times" and "c4" in said.parts:
        wanted, unit = 90000 * said.length, "iterations"
    elif unit == "times":
        wanted, unit = 12 * said.length, "epochs"
    counts = "iterations" if by_iteration else "epochs"
    if (wanted, unit) != (length, counts):
        yield f"{wanted} {unit}, the loop runs {length} {counts}"
    counted = [
        part
        for part in config.get("param_scheduler", [])
        if bool(part.get("by_epoch", True)) != by_iteration
    ]
    for part in counted:
        if max(part.get("end", 0), *part.get("milestones", [0])) > length:
            yield f"{part.type} goes on after {length}"
    for part in counted[-1:]:
        ends = {part.get("end", length)}
        if "T_max" in part:
            ends.add(part.get("begin", 0) + part.T_max)
        if ends != {length}:
            yield f"the rate is planned until {max(ends - {length})}, not {length}"


def _own_words(spec: Recipe | Protocol) -> set[str]:
    text = f"{spec.family} {spec.display}"
    if isinstance(spec, Protocol):
        text += f" {spec.adapter}"
    return set(re.split(r"[^a-z0-9]+", text.lower()))


def _wrong_words(said: Stem, spec: Recipe | Protocol, config: Any) -> Iterator[str]:
    """Every further word means something, and that is so."""
    known = {"amp", *_POLICIES, *_OPTIMISERS, "finetune", "linear", "semi"}
    free = list(said.words)
    if isinstance(spec, Protocol) and spec.task == "segmentation":
        free += [word for part in said.parts for word in part.split("-")[1:]]
    for word in free:
        if word in known:
            continue
        if word == "lsj":
            if "'ratio_range': (0.1, 2.0)" not in repr(config.train_dataloader.to_dict()):
                yield "'lsj' without a scale of 0.1 to 2"
        elif stride := re.fullmatch(r"d(\d+)", word):
            product = 4
            for step in config.model.backbone.get("strides", (1, 2, 2, 2)):
                product *= step
            if product != int(stride[1]):
                yield f"'{word}', and the backbone's stride is {product}"
        elif word not in _own_words(spec):
            yield f"'{word}' is neither known nor a word of the config's family or display"
    for word in set(free):
        if free.count(word) > 1:
            yield f"'{word}' is said twice"


def _wrong_data(
    said: Stem, spec: Recipe | Protocol, config: Any, size: tuple[int, int] | None
) -> Iterator[str]:
    if not said.data:
        if not (isinstance(spec, Recipe) and spec.role == "floor"):
            yield "the data is not said"
        return
    ids, side = _DATA.get(said.data, ((f"own:{said.data}",), None))
    if spec.data not in (tuple(f"{name}-micro" for name in ids) if _small(said) else ids):
        yield f"the data is {spec.data}, not {said.data}{'-micro' if said.micro else ''}"
    folder = f"data/{folder_of(spec.data)}/"
    for root in _roots([config.get(f"{kind}_dataloader") for kind in ("train", "val", "test")]):
        if not f"{root.rstrip('/')}/".startswith(folder):
            yield f"{root} is read, which is not the data {spec.data}"
    expected = said.size or (None if side is None else (side, side))
    if size is not None and expected is not None and size != expected:
        yield f"pictures of {expected[0]} x {expected[1]}, they are {size[0]} x {size[1]}"
    if said.size is None and said.data in ("ade20k", "cityscapes"):
        yield "the crop is not said"
    shares = _shares(config)
    if said.share is not None and said.share not in shares:
        yield f"{said.share} % of the labels, the config names {sorted(shares) or 'no share'}"
    if said.share is None and shares:
        yield f"the share of the labels is not said: {sorted(shares)} %"


def _roots(value: Any) -> Iterator[str]:
    """Every ``data_root`` in a part of a config, once."""
    if isinstance(value, dict):
        if isinstance(value.get("data_root"), str):
            yield value["data_root"]
        value = list(value.values())
    if isinstance(value, list | tuple):
        yield from dict.fromkeys(root for part in value for root in _roots(part))


def _small(said: Stem) -> bool:
    return said.micro and said.data != "micro"


def _shares(config: Any) -> set[int]:
    """Per cents that the training data's settings name, e.g. in a file ``1percent.txt``."""
    text = repr(config.train_dataloader.dataset)
    return {int(m) for m in re.findall(r"(?<!\d)(\d+)[_-]?(?:percent|pct)", text)}
