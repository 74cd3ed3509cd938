"""Builds mmengine Runners the way all runs here need them."""

from __future__ import annotations

import importlib
import logging
import math
import warnings
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from mmengine.hooks import Hook
from mmengine.runner import Runner

from ..augment import FUSED
from ..errors import BenchError
from .capture import Diverged
from .checkpoints import protect
from .importing import importing
from .layout import refuse_sharding
from .loaders import spare_loaders
from .progress import report
from .quicker import quicken
from .resume import GradientHook, PlainHistoryHook, RngHook
from .safe_loading import install
from .several import FreezingRunner
from .switches import switch_model

T = TypeVar("T")
_NUMBERS = count(1)


def prepare(threads: int) -> None:
    """Sets thread counts and silences chatter that helps no user; call once per process."""
    import cv2
    import torch

    install()
    spare_loaders()
    torch.set_num_threads(threads)
    cv2.setNumThreads(0)
    warnings.filterwarnings("ignore", category=UserWarning)
    logging.getLogger("matplotlib").setLevel(logging.WARNING)


def import_custom(config: Any) -> None:
    """Registers a config's types: what its ``custom_imports`` names, and the fused views.

    Those are ours, but compile with numba: they are imported where they are used. From then on a
    broken image stops whatever reads it.
    """
    from .whole_images import refuse_broken_images

    with importing():
        refuse_broken_images()
        from mmengine.utils import import_modules_from_strings

        if any(name in str(config._cfg_dict) for name in FUSED):
            importlib.import_module("mrcl_bench.augment.views")
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


def join(config: Any, launcher: str) -> None:
    """Joins the other processes of a launcher, over NCCL with GPUs and over gloo without.

    Args:
        config: Resolved config; its ``env_cfg.dist_cfg`` counts where there are GPUs.
        launcher: mmengine launcher; ``none`` does nothing.
    """
    import torch

    if launcher == "none" or torch.distributed.is_initialized():
        return
    if torch.cuda.is_available():
        from mmengine.dist import init_dist

        # srun's processes have torchrun's variables, see `follow_srun`
        init_dist("pytorch", **(config.get("env_cfg") or {}).get("dist_cfg", {"backend": "nccl"}))
    else:
        torch.distributed.init_process_group("gloo")


def same_for_all(value: T) -> T:
    """What the first process says, in all of them; it looks at files that it may change."""
    from mmengine.dist import broadcast_object_list

    said: list[T] = [value]
    broadcast_object_list(said)
    return said[0]


def _wrap_on_cpu(config: Any) -> None:
    """Spares mmengine's wrapper the number of a GPU, and says what cannot run without one."""
    if config.get("sync_bn") or "SyncBN" in repr(config.model):
        raise BenchError(
            "synchronised batch norms of several processes need GPUs.",
            "Run it in one process (without --launcher), or rehearse it: mrcl-bench rehearse.",
        )
    wrapper = {
        "type": "MMDistributedDataParallel",
        "device_ids": None,
        "broadcast_buffers": False,
        "find_unused_parameters": config.get("find_unused_parameters", False),
    }
    config.model_wrapper_cfg = {**wrapper, **(config.get("model_wrapper_cfg") or {})}


def build_runner(
    config: Any,
    work_dir: Path,
    seed: int,
    launcher: str,
    what: str,
    switches: tuple[str, ...] = (),
) -> Runner:
    """Builds a Runner.

    Args:
        config: Resolved config, paths relocated. The file on disk is not changed.
        work_dir: Folder for logs, curves and training checkpoints.
        seed: Seeds python, numpy, torch and samplers.
        launcher: mmengine launcher.
        what: Text of the progress line.
        switches: What `switch_config` did to the config, to be done to the model, too.

    Returns:
        A Runner with `ProgressHook` and `FiniteHook`, whose training checkpoints are those of
        `SafeCheckpointHook`; initialised weights, nothing loaded.
    """
    import torch

    install()
    import_custom(config)
    protect(config)
    if launcher != "none":
        refuse_sharding(config, what)
        join(config, launcher)
        if not torch.cuda.is_available():
            _wrap_on_cpu(config)
    config.work_dir = str(work_dir)
    config.launcher = launcher
    config.randomness = {"seed": seed}
    # By this name mmengine keeps scope, curves and log for the whole process: each Runner its own.
    config.experiment_name = f"{config.get('experiment_name', work_dir.name)}-{next(_NUMBERS)}"
    runner = FreezingRunner.from_cfg(config)
    quicken(runner.model)
    switch_model(runner.model, switches)
    runner.register_hook(FiniteHook())
    runner.register_hook(ProgressHook(what), priority="LOWEST")
    runner.register_hook(RngHook(), priority="LOWEST")
    runner.register_hook(GradientHook(), priority="LOWEST")
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
