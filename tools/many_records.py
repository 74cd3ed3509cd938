"""Writes many synthetic records, to measure how long `compare` takes over them.

    python tools/many_records.py DIR [--records 10000]
    mrcl-bench compare DIR/results --no-write

50 recipes, 20 protocols and as many seeds as it takes; the numbers are noise and mean nothing.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from mrcl_bench.record import Record, write_record  # noqa: E402
from mrcl_bench.workspace import Workspace  # noqa: E402

RECIPES, PROTOCOLS = 50, 20
METRICS = {
    "classification": ("val/accuracy", "novel/accuracy"),
    "detection": ("val/bbox_mAP", "val/bbox_mAP_50", "val/segm_mAP", "val/segm_mAP_50"),
    "segmentation": ("val/mIoU", "val/mAcc", "val/aAcc"),
}
PACKAGES = ("mrcl-bench", "numpy", "torch", "torchvision", "onedl-mmcv", "onedl-mmdetection")


def write(root: Path, number: int) -> None:
    """Writes records below ``root/results``, of the size that real ones have."""
    rng = random.Random(0)
    workspace = Workspace(root)
    for index in range(number):
        seed, place = divmod(index, RECIPES * PROTOCOLS)
        record = _record(*divmod(place, PROTOCOLS), seed, rng)
        path = workspace.record_path(
            record.profile, record.recipe.name, record.protocol.name, record.seed
        )
        write_record(path, record)


def _record(recipe: int, protocol: int, seed: int, rng: random.Random) -> Record:
    task = list(METRICS)[protocol % len(METRICS)]
    roles = {0: "method", RECIPES - 2: "ceiling", RECIPES - 1: "floor"}
    cost = {"images_seen": 1000, "seconds": 12.5, "peak_memory_mib": 300.0}
    value: dict[str, Any] = {
        "status": "completed",
        "profile": "paper",
        "recipe": {
            "name": f"algorithm{recipe:02}_vit-base-p16_8xb512-amp-coslr-300e_in1k",
            "algorithm": f"algorithm{recipe:02}",
            "display": f"Algorithm {recipe}",
            "backbone": "vit-base-p16",
            "role": roles.get(recipe, "baseline"),
            "config_sha256": f"{recipe:064}",
        },
        "protocol": {
            "name": f"vit-base-p16_{task}{protocol:02}_8xb128-coslr-100e_in1k",
            "task": task,
            "family": f"{task}{protocol:02}",
            "display": f"{task.capitalize()} {protocol}",
            "main_metric": METRICS[task][0],
            "config_sha256": f"{protocol:064}",
        },
        "seed": seed,
        "metrics": {
            key: min(1.0, max(0.0, 0.3 + recipe / 200 + rng.gauss(0, 0.01)))
            for key in METRICS[task]
        },
        "choices": {"inverse_l2": 1.0, "held_out_accuracy": rng.random()},
        "checkpoint": {"sha256": f"{recipe:064}", "source_sha256": f"{recipe:064}"},
        "load_report": {"loaded": 150},
        "normalisation": None,
        "data": {"id": "imagenet", "sha256": f"{math.factorial(20):064}"},
        "cost": cost,
        "pretrain_cost": {**cost, "epochs": 300.0, "encoder_gflops": 35.1},
        "environment": {
            "git_commit": "0" * 40,
            "git_dirty": False,
            "python": "3.11.7",
            "packages": dict.fromkeys(PACKAGES, "1.0.0"),
            "device": "cpu",
            "threads": 2,
        },
        "artifacts": {"per_sample": f"seed{seed}.per_sample.npz"},
        "started": "2026-01-01T00:00:00+00:00",
        "finished": f"2026-01-01T{seed % 24:02}:{recipe:02}:{protocol:02}+00:00",
        "command": "mrcl-bench run --profile paper --recipe ... --protocol ... --seed 0 --force",
    }
    return Record.model_validate(value)


def main() -> None:
    """Writes them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--records", type=int, default=10_000)
    given = parser.parse_args()
    write(given.folder, given.records)


if __name__ == "__main__":
    main()
