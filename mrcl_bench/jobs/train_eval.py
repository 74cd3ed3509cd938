"""Trains a downstream model with mmengine's Runner and evaluates val and novel once, at the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..engine.batch import fit_batch
from ..engine.capture import Stopwatch, peak_memory_mib
from ..engine.checkpoints import go_on, pace
from ..engine.resume import ElapsedHook, ResumedHook
from ..engine.runtime import build_runner, join
from ..engine.several import EveryWeightHook
from ..engine.stop import STOP, stop_hook
from ..engine.switches import switch_config
from ..loading import loading_of
from ..record import Batch, Cost, LoadReport
from ..resolve import config_sha256
from .context import Context, Outcome
from .evaluators import kept
from .load import load_into
from .samples import save_samples

_NEVER = 10**9


@dataclass(frozen=True)
class Trained:
    """A trained downstream model.

    Attributes:
        runner: The Runner that holds it.
        load_report: What loading the backbone did.
        cost: What training took.
        resumed: As of `Record`.
    """

    runner: Any
    load_report: LoadReport
    cost: Cost
    resumed: list[int]


def train(context: Context) -> Trained:
    """Builds a job's model, loads the backbone and trains.

    A job that was interrupted goes on from its newest sound training checkpoint, if nothing that
    its result depends on has changed.

    Args:
        context: The job. The backbone is ``model.backbone`` in all three libraries; a protocol
            that keeps a part of it elsewhere says so in its ``loading`` block.

    Returns:
        The model with its last weights; no reporting split has been looked at.
    """
    from mmengine.dist import get_world_size

    watch = Stopwatch()
    config = context.config
    config.train_cfg.val_begin = _NEVER  # no look at a reporting split while training
    join(config, config.launcher)
    batch = fit_batch(config, context.job.protocol, get_world_size(), context.keep_batch)
    switches = switch_config(config, context.switches)
    if context.resumes:
        pace(config)
        go_on(config, context.work_dir, _identity(context, batch, switches))
    what = f"{context.job.protocol.family}, {context.job.recipe.display}"
    seed, launcher = context.job.seed, config.launcher
    runner = build_runner(config, context.work_dir, seed, launcher, what, switches)
    report = load_into(unwrapped(runner.model), context.weights, loading_of(config))
    _skip_initialisation(runner)
    if not context.resumes:  # a rehearsal
        runner.register_hook(EveryWeightHook())
    elapsed, resumed = ElapsedHook(watch), ResumedHook()
    for hook in (elapsed, resumed, stop_hook()):
        runner.register_hook(hook, priority="LOWEST")
    with STOP.deferred():
        runner.train()
    images = runner.iter * config.train_dataloader.batch_size * runner.world_size
    cost = Cost(
        images_seen=images,
        epochs=images / len(runner.train_dataloader.dataset),
        seconds=elapsed.seconds,
        peak_memory_mib=peak_memory_mib(),
        batch=batch,
        switches=switches,
    )
    return Trained(runner, report, cost, resumed.steps)


def _identity(context: Context, batch: Batch, switches: tuple[str, ...]) -> str:
    """What must be the same for a job to go on: all that it is about to be trained by."""
    return (
        f"{config_sha256(context.config)} weights {context.weights_sha256} "
        f"data {context.data_sha256} seed {context.job.seed} "
        f"batch {batch.total} by {batch.processes} in {batch.accumulated}"
        + " without broken images" * context.allow_broken_images
        + "".join(f" {name}" for name in switches)
    )


def train_and_evaluate(
    context: Context,
    names: dict[str, str],
    scale: float,
    empty: dict[str, float] | None = None,
    to_arrays: Callable[[Any], dict[str, Any]] | None = None,
) -> Outcome:
    """Runs one fine-tuning job: `train`, then `evaluate`, which takes the same arguments."""
    return evaluate(context, train(context), names, scale, empty, to_arrays)


def evaluate(
    context: Context,
    trained: Trained,
    names: dict[str, str],
    scale: float,
    empty: dict[str, float] | None = None,
    to_arrays: Callable[[Any], dict[str, Any]] | None = None,
) -> Outcome:
    """Scores the last weights; nothing is selected on a reporting split.

    Args:
        context: The job. ``val_*`` of its config is the main split, ``test_*`` the novel one.
        trained: Its trained model.
        names: The library's metric name (without prefix) to the record's.
        scale: Factor from the library's values to fractions.
        empty: Metrics to report when the library reports none because nothing was predicted.
        to_arrays: If given, the first val pictures are kept with truth and prediction.

    Returns:
        Metrics of the last weights.
    """
    config, runner = context.config, trained.runner
    outcome = Outcome(
        metrics={},
        cost=trained.cost,
        load_report=trained.load_report,
        resumed=trained.resumed,
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
        path = context.work_dir / "samples.npz"
        save_samples(runner, to_arrays, path, context.weights_sha256)
    return outcome


def unwrapped(model: Any) -> Any:
    """The model behind a distributed wrapper, if there is one."""
    return model.module if hasattr(model, "module") else model


def _skip_initialisation(runner: Any) -> None:
    """Keeps `Runner.train` from initialising anything over the weights just loaded.

    The heads are initialised here. The backbone is left alone; mmengine passes by whatever else
    was loaded, because loading marked it as initialised. All processes take the first one's.
    """
    from mmengine.dist import broadcast

    model = unwrapped(runner.model)
    for name, child in model.named_children():
        if name != "backbone" and hasattr(child, "init_weights"):
            child.init_weights()
    for value in model.state_dict().values():
        broadcast(value)
    runner._init_model_weights = lambda: None


def _named(metrics: dict[str, Any], names: dict[str, str], scale: float) -> dict[str, float]:
    found = {}
    for key, value in metrics.items():
        name = names.get(key.rsplit("/", 1)[-1])
        # CocoMetric answers -1 where a category has no ground truth at all.
        if name is not None and float(value) >= 0:
            found[name] = float(value) * scale
    return found
