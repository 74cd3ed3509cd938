"""Trains a downstream model with mmengine's Runner and evaluates val and novel once, at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..engine.capture import Stopwatch, peak_memory_mib
from ..engine.runtime import build_runner
from ..record import Cost
from .context import Context, Outcome
from .evaluators import kept
from .load import load_into
from .samples import save_samples

_NEVER = 10**9


def train_and_evaluate(
    context: Context,
    names: dict[str, str],
    scale: float,
    empty: dict[str, float] | None = None,
    to_arrays: Callable[[Any], dict[str, Any]] | None = None,
) -> Outcome:
    """Runs one fine-tuning job.

    The last weights are evaluated; nothing is selected on a reporting split. The backbone is
    ``model.backbone`` in all three libraries.

    Args:
        context: The job. ``val_*`` of its config is the main split, ``test_*`` the novel one.
        names: The library's metric name (without prefix) to the record's.
        scale: Factor from the library's values to fractions.
        empty: Metrics to report when the library reports none because nothing was predicted.
        to_arrays: If given, the first val pictures are kept with truth and prediction.

    Returns:
        Metrics of the last weights.
    """
    watch = Stopwatch()
    config = context.config
    config.train_cfg.val_begin = _NEVER  # no look at a reporting split while training
    what = f"{context.job.protocol.family}, {context.job.recipe.display}"
    runner = build_runner(config, context.work_dir, context.job.seed, config.launcher, what)
    report = load_into(_unwrapped(runner.model).backbone, context.weights)
    _skip_initialisation(runner)
    runner.train()
    seconds = watch.seconds
    batch = config.train_dataloader.batch_size * runner.world_size
    outcome = Outcome(
        metrics={},
        cost=Cost(
            images_seen=runner.iter * batch,
            epochs=runner.iter * batch / len(runner.train_dataloader.dataset),
            seconds=seconds,
            peak_memory_mib=peak_memory_mib(),
        ),
        load_report=report,
    )
    for split, loop in (("val", runner.val), ("novel", runner.test)):
        if config.get("test_dataloader" if split == "novel" else "val_dataloader") is None:
            continue
        found = _named(loop(), names, scale)
        outcome.arrays |= kept(runner.test_loop if split == "novel" else runner.val_loop, split)
        if not found and empty is not None:
            found = dict(empty)
            outcome.flags.append(f"no predictions on {split}")
        outcome.metrics.update({f"{split}/{name}": value for name, value in found.items()})
    if to_arrays is not None and runner.rank == 0:
        save_samples(runner, to_arrays, context.work_dir / "samples.npz")
    return outcome


def _unwrapped(model: Any) -> Any:
    return model.module if hasattr(model, "module") else model


def _skip_initialisation(runner: Any) -> None:
    """Keeps `Runner.train` from initialising the backbone over the weights just loaded.

    The heads are initialised here, the backbone is left alone.
    """
    model = _unwrapped(runner.model)
    for name, child in model.named_children():
        if name != "backbone" and hasattr(child, "init_weights"):
            child.init_weights()
    runner._init_model_weights = lambda: None


def _named(metrics: dict[str, Any], names: dict[str, str], scale: float) -> dict[str, float]:
    found = {}
    for key, value in metrics.items():
        name = names.get(key.rsplit("/", 1)[-1])
        # CocoMetric answers -1 where a category has no ground truth at all.
        if name is not None and float(value) >= 0:
            found[name] = float(value) * scale
    return found
