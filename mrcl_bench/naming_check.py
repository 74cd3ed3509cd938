"""Where a config does something else than its stem says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .data.locate import folder_of
from .naming import (
    CLASSES,
    DATA,
    HEADS,
    OPTIMISERS,
    POLICIES,
    PROBES,
    RESNETS,
    VITS,
    Stem,
    parse_stem,
)
from .spec import Protocol, Recipe


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
        if said.method != "random" and kind != CLASSES.get(said.method, kind):
            yield f"'{said.method}' is {CLASSES[said.method]}, the model is {kind}"
        if said.method not in (*CLASSES, "random") and _squeezed(kind) != _squeezed(said.method):
            yield f"'{said.method}' is not what the model is called, {kind}"
        if (said.method == "random") != (spec.role == "floor"):
            yield f"'{said.method}' and the role {spec.role}"
        if said.parts:
            yield f"'{'_'.join(said.parts)}' behind a recipe's backbone"
        return
    if spec.task == "detection":
        if CLASSES.get(said.method) != kind:
            yield f"it begins with '{said.method}', the detector is {kind}"
        yield from _wrong_neck(said, config, short="paper" not in spec.profiles)
        return
    if said.method:
        yield f"'{said.method}' before the backbone of a protocol for {spec.task}"
    first = said.parts[0] if said.parts else ""
    if len(said.parts) > 1:
        yield f"two fields behind the backbone: {', '.join(said.parts)}"
    if spec.task == "segmentation":
        if not _is(config.model.decode_head, HEADS.get(first.partition("-")[0], "")):
            yield f"the head is {config.model.decode_head.type}, not '{first}'"
    elif first:
        adapters = {PROBES[probe] for probe in PROBES if f"{first}-".startswith(f"{probe}-")}
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
    expected = 1 + per_block * sum(RESNETS.get(depth, ())[:stages])
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
    wide, deep, many = VITS.get(name, (0, 0, 0))
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
    for word, kind in POLICIES.items():
        if word in said.words and kind not in kinds:
            yield f"'{word}' without {kind}"
    usual = isinstance(spec, Protocol) and spec.task == "detection"  # 1x is steps everywhere
    for word in ("coslr", "steplr"):
        if "paper" in spec.profiles and not usual and POLICIES[word] in kinds:
            if word not in said.words:
                yield f"'{word}' is not said"
    for word, kind in OPTIMISERS.items():
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
    known = {"amp", *POLICIES, *OPTIMISERS, "finetune", "linear", "semi"}
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
    ids, side = DATA.get(said.data, ((f"own:{said.data}",), None))
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
