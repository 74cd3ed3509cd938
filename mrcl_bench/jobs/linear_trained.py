"""Linear probe trained on augmented pictures, at all learning rates of its sweep at once.

The rates stand in the config as ``model.head.lr``, the share of *train* that they are chosen on as
``probe.held_out``; the other part is fitted. The reporting splits are looked at once, after the
choice, by the chosen head alone.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np

from ..atomic import write_atomic
from .context import Context, Outcome
from .train_eval import train, unwrapped

CONFIG_KEYS = ("probe",)
"""Top-level config keys that this adapter reads; see `mrcl_bench.config_keys`."""


def run(context: Context) -> Outcome:
    """Trains the heads, chooses one and scores it."""
    from . import parts  # noqa: F401  (registers HeldOutPart)

    config = context.config
    whole = config.train_dataloader.dataset
    part = {"share": config.probe.held_out, "seed": context.job.seed}
    held_loader = copy.deepcopy(config.val_dataloader)
    plain = {**whole, "pipeline": config.val_dataloader.dataset.pipeline}
    held_loader.dataset = {"type": "HeldOutPart", "dataset": plain, "held": True, **part}
    config.train_dataloader.dataset = {
        "type": "HeldOutPart",
        "dataset": whole,
        "held": False,
        **part,
    }
    trained = train(context)
    runner, head = trained.runner, unwrapped(trained.runner.model).head
    _agree(head)

    scores, _ = _score(runner, held_loader)
    best = int(np.argmax(scores))
    head.chosen = best
    outcome = Outcome(
        metrics={},
        cost=trained.cost,
        load_report=trained.load_report,
        resumed=trained.resumed,
        choices={"lr": head.lr[best], "held_out_accuracy": scores[best]},
    )
    if best in (0, len(scores) - 1):
        outcome.flags.append("chosen value at the edge of the sweep")
    for split, name in (("val", "val_dataloader"), ("novel", "test_dataloader")):
        if config.get(name) is not None:
            (accuracy,), right = _score(runner, config[name])
            outcome.metrics[f"{split}/accuracy"] = accuracy
            if right is not None:
                outcome.arrays[f"{split}_correct"] = right[:, 0]
    if runner.rank == 0:
        _save(context.work_dir / "probe.npz", head, scores)
    return outcome


def _agree(head: Any) -> None:
    """Gives every process the first one's batch statistics, which each has followed alone."""
    from mmengine.dist import broadcast

    for buffer in head.buffers():
        broadcast(buffer)


def _score(runner: Any, loader: Any) -> tuple[list[float], Any]:
    """Accuracy of every head that predicts, and on the main process who was right (N, heads)."""
    from mmengine.evaluator import Evaluator
    from mmengine.runner import ValLoop

    from ..models import HeadAccuracy

    metric = HeadAccuracy()
    runner._val_loop = ValLoop(runner, copy.deepcopy(loader), Evaluator([metric]))
    found = runner.val()
    return [found[f"head/{head}"] for head in range(len(found))], getattr(metric, "right", None)


def _save(path: Path, head: Any, scores: list[float]) -> None:
    """Keeps the chosen classifier and what every rate scored on the held-out part."""
    linear = head.linears[head.chosen]
    arrays = {
        "lr": np.array(head.lr),
        "held_out_accuracy": np.array(scores),
        "weight": linear.weight.detach().cpu().numpy(),
        "bias": linear.bias.detach().cpu().numpy(),
    }
    if head.norm is not None:
        arrays["mean"] = head.norm.running_mean.cpu().numpy()
        arrays["variance"] = head.norm.running_var.cpu().numpy()
        arrays["eps"] = np.array(head.norm.eps)
    write_atomic(path, lambda file: np.savez(file, **arrays))
