"""A run of mmengine's Runner as ours are built, but of a network with some hundred weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.registry import DATASETS, MODELS
from torch.utils.data import Dataset

from mrcl_bench.checkpoint import state_dict_sha256
from mrcl_bench.engine.checkpoints import newest_sound
from mrcl_bench.engine.runtime import build_runner
from mrcl_bench.engine.stop import STOP, stop_hook

IMAGES = 24


@DATASETS.register_module(force=True)
class ToyVectors(Dataset):  # type: ignore[type-arg]
    """Vectors that are drawn anew, from torch's generator, each time that they are asked for."""

    metainfo = {"classes": ("a", "b")}

    def __len__(self) -> int:
        return IMAGES

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {"inputs": torch.randn(8) + index, "data_samples": index}


@MODELS.register_module(force=True)
class ToyNet(BaseModel):  # type: ignore[misc]
    """A student with dropout and batch norm, and a teacher that follows it by momentum."""

    def __init__(self, explode_at: int = -1, act_at: int = -1, act: Any = None) -> None:
        super().__init__()
        layers = [torch.nn.Linear(8, 16), torch.nn.BatchNorm1d(16), torch.nn.Dropout(0.3)]
        self.student = torch.nn.Sequential(*layers, torch.nn.Linear(16, 4))
        self.teacher = torch.nn.Linear(8, 4).requires_grad_(False)
        self.register_buffer("seen", torch.zeros((), dtype=torch.long))
        self.explode_at, self.act_at, self.act = explode_at, act_at, act

    def forward(self, inputs: Any, data_samples: Any = None, mode: str = "loss") -> Any:
        batch = torch.stack(list(inputs))
        self.seen += 1
        if int(self.seen) == self.act_at:
            self.act()
        with torch.no_grad():
            for slow, fast in zip(
                self.teacher.parameters(),
                (self.student[3].weight[:, :8], self.student[3].bias),
                strict=True,
            ):
                slow.lerp_(fast, 0.1)
        loss = (self.student(batch) - self.teacher(batch)).square().mean()
        return {"loss": loss * float("nan") if int(self.seen) == self.explode_at else loss}


def config(by_epoch: bool = False, length: int = 12, interval: int = 3, **model: Any) -> Config:
    """Batches of 4: six steps are an epoch. EMA, cosine schedule, AdamW."""
    cycle = {"by_epoch": by_epoch, ("max_epochs" if by_epoch else "max_iters"): length}
    hook: dict[str, Any] = {"type": "CheckpointHook", "interval": interval, "by_epoch": by_epoch}
    sampler = "DefaultSampler" if by_epoch else "InfiniteSampler"
    return Config(
        {
            "default_scope": "mmengine",
            "model": {"type": "ToyNet", **model},
            "train_dataloader": {
                "batch_size": 4,
                "num_workers": 0,
                "dataset": {"type": "ToyVectors"},
                "sampler": {"type": sampler, "shuffle": True},
            },
            "train_cfg": cycle,
            "optim_wrapper": {"type": "OptimWrapper", "optimizer": {"type": "AdamW", "lr": 0.05}},
            "param_scheduler": [{"type": "CosineAnnealingLR", "T_max": 60, "by_epoch": False}],
            "default_hooks": {"checkpoint": {**hook, "max_keep_ckpts": 1}},
            "custom_hooks": [{"type": "EMAHook", "ema_type": "ExponentialMovingAverage"}],
            "log_level": "ERROR",
        }
    )


def train(folder: Path, wanted: Config, hooks: tuple[Any, ...] = ()) -> Any:
    """Trains, going on from what is sound in the folder, as `pretrain` does; returns the Runner."""
    newest, _ = newest_sound(folder)
    if newest is not None:
        wanted.resume, wanted.load_from = True, str(newest)
    runner = build_runner(wanted, folder, 0, "none", "toy")
    for hook in (*hooks, stop_hook()):
        runner.register_hook(hook, priority="LOWEST")
    with STOP.deferred():
        runner.train()
    return runner


def hashes(runner: Any) -> tuple[str, str]:
    """Of the weights, student and teacher, and of their moving average."""
    ema = next(hook for hook in runner.hooks if type(hook).__name__ == "EMAHook").ema_model
    return state_dict_sha256(runner.model.state_dict()), state_dict_sha256(ema.state_dict())
