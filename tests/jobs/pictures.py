"""Pictures that an untrained network can tell apart: each class has a colour."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mrcl_bench.checkpoint import load_state_dict
from mrcl_bench.engine.runtime import import_custom
from mrcl_bench.jobs.context import Context
from mrcl_bench.resolve import config_sha256, load_config

from .conftest import Bench

COLOURS = ((40, 40, 200), (40, 200, 40), (200, 40, 40), (190, 190, 40))


def noisy(path: Path, colour: tuple[int, int, int], rng: np.random.Generator) -> None:
    """Writes a picture of 48 px around a colour."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = np.array(colour) + rng.normal(0, 60, (48, 48, 3))
    cv2.imwrite(str(path), np.clip(picture, 0, 255).astype(np.uint8))


def colour_folders(root: Path, train: int = 20, val: int = 10) -> Path:
    """Makes ``train/<class>`` and ``val/<class>`` of four classes."""
    rng = np.random.default_rng(0)
    for split, count in (("train", train), ("val", val)):
        for index, colour in enumerate(COLOURS):
            for number in range(count):
                noisy(root / split / f"c{index}" / f"c{index}_{number}.png", colour, rng)
    return root


def context_of(bench: Bench, family: str, data: Path, seed: int = 0) -> Context:
    """A micro protocol's context on colour folders, four classes, without the split novel."""
    job = bench.request(family).jobs[0]
    config = load_config(job.protocol.path)
    import_custom(config)
    if "head" in config.model:
        config.model.head.num_classes = len(COLOURS)
    for split in ("train", "val"):
        config[f"{split}_dataloader"].dataset.data_root = str(data / split)
    for key in ("test_dataloader", "test_evaluator", "test_cfg"):
        config[key] = None
    config.launcher = "none"
    return Context(
        job=job.model_copy(update={"seed": seed}),
        workspace=bench.workspace,
        config=config,
        weights=load_state_dict(bench.folder / "backbone.pth"),
        weights_sha256="w",
        data_sha256=str(data),
        work_dir=bench.workspace.runs / "job",
        protocol_sha256=config_sha256(config),
    )


def probe_of(context: Context) -> dict[str, Any]:
    """What the trained linear probe kept."""
    with np.load(context.work_dir / "probe.npz") as stored:
        return dict(stored)
