"""Builds mmengine Runners the way all runs here need them."""

from __future__ import annotations

import logging
import math
import warnings
from pathlib import Path
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner

from .capture import Diverged
from .checkpoints import protect
from .progress import report
from .resume import PlainHistoryHook, RngHook
from .safe_loading import install


def prepare(threads: int) -> None:
    """Sets thread counts and silences chatter that helps no user; call once per process."""
    import cv2
    import torch

    install()
    torch.set_num_threads(threads)
    cv2.setNumThreads(0)
    warnings.filterwarnings("ignore", category=UserWarning)
    logging.getLogger("matplotlib").setLevel(logging.WARNING)


def import_custom(config: Any) -> None:
    """Imports what a config's ``custom_imports`` names, so that its types are registered."""
    from mmengine.utils import import_modules_from_strings

    if config.get("custom_imports"):
        import_modules_from_strings(**config.custom_imports)


class FiniteHook(Hook):  # type: ignore[misc]
    """Stops a run at the step whose loss is not finite, before anything of it is saved."""

    priority = "VERY_HIGH"

    def after_train_iter(  # noqa: D102
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        for name, value in (outputs or {}).items():
            if "loss" in name and not math.isfinite(float(value)):
                raise Diverged(f"{name} is {float(value)} at step {runner.iter + 1}")


class ProgressHook(Hook):  # type: ignore[misc]
    """Reports each training step to the parent."""

    def __init__(self, what: str) -> None:
        self.what = what

    def after_train_iter(  # noqa: D102
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        report(runner.iter + 1, runner.max_iters, self.what)

    def after_val_iter(  # noqa: D102
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        report(batch_idx + 1, len(runner.val_dataloader), f"{self.what}: val")

    def after_test_iter(  # noqa: D102
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        report(batch_idx + 1, len(runner.test_dataloader), f"{self.what}: novel")


def build_runner(config: Any, work_dir: Path, seed: int, launcher: str, what: str) -> Runner:
    """Builds a Runner.

    Args:
        config: Resolved config, paths relocated. The file on disk is not changed.
        work_dir: Folder for logs, curves and training checkpoints.
        seed: Seeds python, numpy, torch and samplers.
        launcher: mmengine launcher.
        what: Text of the progress line.

    Returns:
        A Runner with `ProgressHook` and `FiniteHook`, whose training checkpoints are those of
        `SafeCheckpointHook`; initialised weights, nothing loaded.
    """
    install()
    import_custom(config)
    protect(config)
    config.work_dir = str(work_dir)
    config.launcher = launcher
    config.randomness = {"seed": seed}
    config.setdefault("experiment_name", work_dir.name)
    runner = Runner.from_cfg(config)
    runner.register_hook(FiniteHook())
    runner.register_hook(ProgressHook(what), priority="LOWEST")
    runner.register_hook(RngHook(), priority="LOWEST")
    runner.register_hook(PlainHistoryHook(), priority="LOWEST")
    return runner


def encoder_gflops(backbone: Any, size: int | tuple[int, int]) -> float | None:
    """Counts the forward GFLOPs of one image, multiply-add as two.

    Args:
        backbone: The encoder; may be on the device ``meta``.
        size: Side of a square image, or height and width, pixels.

    Returns:
        GFLOPs, or ``None`` where the network has an operation that cannot be counted.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    device = next(backbone.parameters()).device
    height, width = (size, size) if isinstance(size, int) else size
    was_training = backbone.training
    backbone.eval()
    try:
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            backbone(torch.zeros(1, 3, height, width, device=device))
        return float(counter.get_total_flops()) / 1e9
    except (RuntimeError, TypeError, NotImplementedError):
        return None
    finally:
        backbone.train(was_training)
