"""The one function that makes a config small enough to be tried on a CPU, and says what it did."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from ..config_steps import steps_of
from ..errors import EXIT_USAGE, BenchError
from . import pipeline

_LOADERS = ("train_dataloader", "val_dataloader", "test_dataloader")
_PROPOSALS = {"nms_pre": 64, "max_per_img": 32, "num": 32}
"""Keys of detectors' train_cfg and test_cfg, and how many of what they count remain."""
_CLASSES_APART = 24
"""Training images of a protocol that holds some of each class out (4 classes of the miniature)."""
_HELD_OUT = 0.5
_NEIGHBOURS = 8
_NEVER = 10**9
SHOTS = "shots"
"""What is said of a protocol that learns from k pictures a class: only k = 1 is tried, so that a
main metric of another k is not measured."""


class Rehearsal(BaseModel):
    """How small a rehearsal is.

    Attributes:
        size: Side of what the network is shown, pixels; a multiple of 32.
        batch: Training images per step.
        iterations: Training steps.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int = Field(default=128, ge=64, multiple_of=32)
    batch: int = Field(default=2, ge=2)
    iterations: int = Field(default=2, ge=1)


def reduce_config(config: Any, rehearsal: Rehearsal, recipe: bool = False) -> dict[str, str]:
    """Reduces a config in place. Model, losses, optimiser and schedule stay as they are.

    Args:
        config: Resolved config of a protocol or a recipe, paths relocated.
        rehearsal: How small.
        recipe: Whether it is a recipe: its pictures keep their size, because decoders and
            positions are made for it.

    Returns:
        What was reduced to what was done, for the record.

    Raises:
        BenchError: A part of the config is not known here and cannot be reduced.
    """
    whole = config._cfg_dict
    done: dict[str, str] = {}
    if not recipe:
        _pictures(whole, rehearsal.size, done)
    _loaders(whole, rehearsal, done)
    _length(whole, rehearsal, done)
    _own_blocks(whole, done)
    _proposals(whole.model, done)
    _precision(whole, done)
    _sync_bn(whole, done)
    return done


def _pictures(whole: Any, size: int, done: dict[str, str]) -> None:
    seen = [
        step
        for name in _LOADERS
        for dataset in _leaves((whole.get(name) or {}).get("dataset"))
        for step in steps_of(dataset.get("pipeline"))
    ]
    steps = list({id(step): step for step in seen}.values())  # pipelines may share a step
    found = pipeline.reference(steps)
    if found is None or found <= size:
        return
    factor = size / found
    pipeline.shrink(steps, factor)
    processor = whole.model.get("data_preprocessor") or {}
    for key in ("size", "batch_size_divisor"):
        if processor.get(key):
            processor[key] = pipeline.scaled(processor[key], factor, cut=True)
    for key in ("pad_size_divisor", "size_divisor"):
        if (processor.get(key) or 0) > 64:  # smaller ones are strides, not sizes
            processor[key] = pipeline.scaled(processor[key], factor, cut=True)
    for augment in processor.get("batch_augments") or []:
        if augment.get("size"):
            augment["size"] = pipeline.scaled(augment["size"], factor, cut=True)
    test = whole.model.get("test_cfg") or {}
    done["images"] = f"{found} to {size} px"
    if test.get("crop_size"):
        test["crop_size"] = pipeline.scaled(test["crop_size"], factor, cut=True)
        test["stride"] = pipeline.scaled(test["stride"], factor, cut=False)
        done["slide"] = f"windows of {test['crop_size']} px, stride {test['stride']}"


def _leaves(dataset: Any) -> Iterator[Any]:
    """Data sets inside data sets that repeat or join others."""
    if not isinstance(dataset, dict):
        return
    inner = [*(dataset.get("datasets") or []), *filter(None, [dataset.get("dataset")])]
    if not inner:
        yield dataset
    for one in inner:
        yield from _leaves(one)


def _loaders(whole: Any, rehearsal: Rehearsal, done: dict[str, str]) -> None:
    trained = whole.get("train_cfg") is not None
    for name in _LOADERS:
        loader = whole.get(name)
        if loader is None:
            continue
        train = name.startswith("train")
        if train and trained and loader.get("batch_size"):
            done["batch"] = f"{loader.batch_size} to {_batch(whole, rehearsal)} images"
            loader.batch_size = _batch(whole, rehearsal)
        elif loader.get("batch_size"):
            loader.batch_size = min(int(loader.batch_size), 8)
        if loader.get("num_workers"):
            done["workers"] = "0"
        loader.num_workers = 0
        for key in ("persistent_workers", "pin_memory"):
            if key in loader:
                loader[key] = False
        loader.pop("prefetch_factor", None)


def _batch(whole: Any, rehearsal: Rehearsal) -> int:
    """Images per training step; enough that an epoch over several classes is a few steps."""
    if _holds_out(whole):
        return _CLASSES_APART // rehearsal.iterations // 2
    return rehearsal.batch


def _holds_out(whole: Any) -> bool:
    """Whether a part of train is held out, which takes images of several classes."""
    return any("held_out" in block for block in _blocks(whole))


def _blocks(whole: Any) -> Iterator[Any]:
    """Top-level blocks; their own keys tell those that an adapter reads from mmengine's."""
    return (value for value in whole.values() if isinstance(value, dict))


def _length(whole: Any, rehearsal: Rehearsal, done: dict[str, str]) -> None:
    cycle = whole.get("train_cfg")
    images = _CLASSES_APART if _holds_out(whole) else rehearsal.iterations * rehearsal.batch
    if cycle is not None:
        if "max_iters" in cycle:
            done["iterations"] = f"{cycle.max_iters} to {rehearsal.iterations}"
            cycle.max_iters = cycle.val_interval = rehearsal.iterations
        elif "max_epochs" in cycle:
            done["epochs"] = f"{cycle.max_epochs} to 1, over {images} images"
            cycle.max_epochs = cycle.val_interval = 1
        else:
            raise BenchError(
                f"train_cfg {dict(cycle)} has neither max_iters nor max_epochs: a rehearsal does "
                "not know how to make it short.",
                "Add it to mrcl_bench/rehearsal/reduce.py.",
            )
    elif (whole.get("train_dataloader") or {}).get("dataset") is None:
        raise BenchError("the config has no train_dataloader.", "Mend it.", EXIT_USAGE)
    for name in _LOADERS:
        leaves = list(_leaves((whole.get(name) or {}).get("dataset")))
        large = any("imagenet" in str(leaf.get("data_root")) for leaf in leaves)
        if not leaves or not (large or cycle is not None):
            continue
        train = name.startswith("train")
        wanted = images if train else (8 if _holds_out(whole) else 2)
        for leaf in leaves:
            leaf["indices"] = -(-wanted // len(leaves))
        done[f"{name.split('_')[0]} images"] = f"at most {wanted}"
    checkpoint = (whole.get("default_hooks") or {}).get("checkpoint")
    if checkpoint:
        checkpoint.update(interval=_NEVER, save_last=False)
        checkpoint.pop("save_best", None)
        done["checkpoints"] = "none written"
    for hook in whole.get("custom_hooks") or []:
        for key in ("batches", "num_iters", "num_images", "num_batches", "num_items"):
            if isinstance(hook.get(key), int):
                done[f"{hook['type']}.{key}"] = f"{hook[key]} to {rehearsal.iterations}"
                hook[key] = rehearsal.iterations


def _own_blocks(whole: Any, done: dict[str, str]) -> None:
    for block in _blocks(whole):
        if "held_out" in block:
            done["held out"] = f"{block['held_out']} to {_HELD_OUT} of train"
            block["held_out"] = _HELD_OUT
        if isinstance(block.get("k"), list | tuple):
            done["neighbours"] = f"at most {_NEIGHBOURS}"
            block["k"] = sorted({min(int(k), _NEIGHBOURS) for k in block["k"]})
        if "shots" in block:
            done[SHOTS] = f"{list(block['shots'])} to [1]"
            block["shots"] = [1]


def _proposals(model: Any, done: dict[str, str]) -> None:
    def walk(value: Any) -> None:
        if isinstance(value, dict):
            for key, most in _PROPOSALS.items():
                number = value.get(key)
                if isinstance(number, int) and number > most:
                    value[key] = most
                    done["proposals"] = f"at most {max(_PROPOSALS.values())}"
            for item in value.values():
                walk(item)
        elif isinstance(value, list | tuple):
            for item in value:
                walk(item)

    if "rpn_head" in model:
        walk(model.get("train_cfg"))
        walk(model.get("test_cfg"))


def _precision(whole: Any, done: dict[str, str]) -> None:
    wrapper = whole.get("optim_wrapper")
    if wrapper is not None and wrapper.get("type") == "AmpOptimWrapper":
        wrapper.type = "OptimWrapper"
        for key in ("loss_scale", "dtype", "use_fp16"):
            wrapper.pop(key, None)
        done["precision"] = "mixed to single, for the CPU"


def _sync_bn(value: Any, done: dict[str, str]) -> None:
    if isinstance(value, dict):
        if str(value.get("type", "")).rsplit(".", 1)[-1] == "SyncBN":
            value["type"] = "BN"
            done["batch norms"] = "synchronised to plain, for the CPU"
        for item in value.values():
            _sync_bn(item, done)
    elif isinstance(value, list | tuple):
        for item in value:
            _sync_bn(item, done)
