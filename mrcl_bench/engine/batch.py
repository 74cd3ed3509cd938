"""Keeps the total batch that a config's name says, whatever the number of processes.

A learning rate belongs to a batch size. With fewer processes than the name says, gradients are
accumulated over passes; with more, each takes fewer pictures. What cannot be kept exactly is
refused, and nothing is scaled.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..errors import EXIT_USAGE, BenchError
from ..naming import parse_stem
from ..record import Batch
from ..spec import Protocol, Recipe

_MEANS = ("MAE", "ImageClassifier")
"""Models of recipes whose loss is a mean over pictures, each of which is judged by itself."""
_STRETCHED = ("LinearLR", "ConstantLR", "CosineAnnealingLR", "MultiStepLR", "PolyLR", "StepLR")
_COUNTS = ("begin", "end", "T_max", "milestones", "step_size")
"""Schedules that can be stretched, and their arguments that count iterations."""


def fit_batch(config: Any, spec: Recipe | Protocol, processes: int, keep: bool = True) -> Batch:
    """Gives every process its share of the named total batch.

    Args:
        config: The resolved config; changed in place.
        spec: Its bench block; the name is what counts.
        processes: Number of processes that train together.
        keep: False leaves the config as it is: the batch per process is the config's.

    Returns:
        What is done.

    Raises:
        BenchError: The named batch cannot be kept.
    """
    loader, wrapper = config.train_dataloader, config.optim_wrapper
    passes = int(wrapper.get("accumulative_counts", 1))
    named = _named(spec, int(loader.batch_size) * passes)
    total = int(loader.batch_size) * processes * passes
    if not keep or named is None or named == total:
        return Batch(named=named, total=total, processes=processes, accumulated=passes)
    if total > named:
        share, rest = divmod(named, processes * passes)
        if rest or not share:
            raise _refusal(spec, named, total, processes, "it does not divide by them")
        loader.batch_size = share
    else:
        more, rest = divmod(named, total)
        if rest:
            raise _refusal(spec, named, total, processes, f"{total} does not divide it")
        if isinstance(spec, Recipe) and not _is_a_mean(config.model):
            why = "it compares the pictures of a step, and accumulated steps do not see each other"
            raise _refusal(spec, named, total, processes, why)
        if isinstance(spec, Recipe) and spec.keep and not by_epoch(config):
            why = "it keeps checkpoints by iterations, which would be other ones"
            raise _refusal(spec, named, total, processes, why)
        for scheduler in _counting_iterations(config):
            if scheduler["type"].rsplit(".", 1)[-1] not in _STRETCHED:
                why = f"{scheduler['type']} counts iterations in a way that is not known here"
                raise _refusal(spec, named, total, processes, why)
        _accumulate(config, more, passes * more)
        passes *= more
    return Batch(named=named, total=named, processes=processes, accumulated=passes)


def _named(spec: Recipe | Protocol, own: int) -> int | None:
    try:
        said = parse_stem(spec.name, spec.backbone)
    except ValueError:  # named in the user's own way
        return None
    # A name that contradicts its config binds nothing; `run` warns of it.
    return said.gpus * said.batch if said.gpus and said.batch == own else None


def _is_a_mean(model: Any) -> bool:
    kind = str(model.type).rsplit(".", 1)[-1]
    return kind in _MEANS or (kind == "MRCL" and model.get("contrast_weight", 1.0) == 0)


def by_epoch(config: Any) -> bool:
    """Whether a run counts epochs; otherwise it counts steps."""
    cfg = config.train_cfg
    return bool(cfg.get("by_epoch", False)) or str(cfg.get("type", "")).startswith("EpochBased")


def _counting_iterations(config: Any) -> Iterator[Any]:
    schedulers = config.get("param_scheduler") or []
    for scheduler in schedulers if isinstance(schedulers, list | tuple) else [schedulers]:
        if not scheduler.get("by_epoch", True):
            yield scheduler


def _accumulate(config: Any, more: int, passes: int) -> None:
    """Makes a step of several iterations, and all that counts iterations so many times longer."""
    config.optim_wrapper["accumulative_counts"] = passes
    for scheduler in _counting_iterations(config):
        for key in _COUNTS:
            value = scheduler.get(key)
            if isinstance(value, list | tuple):
                scheduler[key] = [one * more for one in value]
            elif value is not None:
                scheduler[key] = value * more
    if not by_epoch(config):
        for key in ("max_iters", "val_interval"):
            if config.train_cfg.get(key) is not None:
                config.train_cfg[key] *= more
    checkpoint = (config.get("default_hooks") or {}).get("checkpoint")
    if checkpoint and not checkpoint.get("by_epoch", True) and checkpoint.get("interval", -1) > 0:
        checkpoint["interval"] *= more


def _refusal(
    spec: Recipe | Protocol, named: int, total: int, processes: int, why: str
) -> BenchError:
    one = processes == 1
    return BenchError(
        f"{spec.name} names a total batch of {named}; {processes} process{'' if one else 'es'} "
        f"{'takes' if one else 'take'} {total} pictures a step, and it cannot be kept: {why}.",
        "Run it with as many GPUs as its name says, or with --no-keep-batch as it is: learning "
        "rates stay as they are, and records say both batches.",
        EXIT_USAGE,
    )
