"""Records for tests: valid by default, any field overridden by keyword."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from mrcl_bench.record import Record, write_record
from mrcl_bench.workspace import Workspace

RECIPES: dict[str, dict[str, str]] = {
    "mrcl_vit-t6_tiny": {"algorithm": "mrcl", "display": "MRCL", "role": "method"},
    "mae_vit-t6_tiny": {"algorithm": "mae", "display": "MAE", "role": "baseline"},
    "simclr_vit-t6_tiny": {"algorithm": "simclr", "display": "SimCLR", "role": "baseline"},
    "supervised_vit-t6_tiny": {
        "algorithm": "supervised",
        "display": "Supervised",
        "role": "ceiling",
    },
    "random_vit-t6_tiny": {"algorithm": "random", "display": "Random init", "role": "floor"},
}
PROTOCOLS: dict[str, dict[str, str]] = {
    "vit-t6_linear_stamps": {
        "task": "classification",
        "family": "linear",
        "display": "Linear probe",
        "main_metric": "val/accuracy",
    },
    "vit-t6_knn_stamps": {
        "task": "classification",
        "family": "knn",
        "display": "k-NN",
        "main_metric": "val/accuracy",
    },
    "mask-rcnn_vit-t6_stamps": {
        "task": "detection",
        "family": "mask-rcnn",
        "display": "Mask R-CNN",
        "main_metric": "val/bbox_mAP",
    },
    "vit-t6_upernet_stamps": {
        "task": "segmentation",
        "family": "upernet",
        "display": "UPerNet",
        "main_metric": "val/mIoU",
    },
}


def sha(text: str) -> str:
    """Returns a plausible sha256 for a name."""
    return hashlib.sha256(text.encode()).hexdigest()


def make_record(**overrides: Any) -> Record:
    """Returns a valid record.

    Args:
        overrides: Any field of `Record`. For parts (``recipe``, ``protocol``, ``data`` …) a dict is
            merged into the default part; a string for ``recipe`` or ``protocol`` is its name and
            pulls what `RECIPES` and `PROTOCOLS` know of it. A ``failure`` makes it failed.
    """
    for part in ("recipe", "protocol"):
        if isinstance(overrides.get(part), str):
            overrides[part] = {"name": overrides[part]}
    recipe = {"name": "mrcl_vit-t6_tiny", **overrides.pop("recipe", {})}
    recipe = {
        "algorithm": "mrcl",
        "display": recipe["name"],
        "backbone": "vit-t6",
        "role": "method",
        "config_sha256": sha(recipe["name"]),
        **RECIPES.get(recipe["name"], {}),
        **recipe,
    }
    protocol = {"name": "vit-t6_linear_stamps", **overrides.pop("protocol", {})}
    protocol = {
        "task": "classification",
        "family": "linear",
        "display": protocol["name"],
        "main_metric": "val/accuracy",
        "config_sha256": sha(protocol["name"]),
        **PROTOCOLS.get(protocol["name"], {}),
        **protocol,
    }
    seed = overrides.get("seed", 0)
    failed = overrides.get("failure") is not None
    default: dict[str, Any] = {
        "status": "failed" if failed else "completed",
        "profile": "tiny",
        "seed": seed,
        "metrics": {} if failed else {protocol["main_metric"]: 0.5},
        "checkpoint": {
            "sha256": sha("converted " + recipe["name"]),
            "source_sha256": sha("raw " + recipe["name"]),
        },
        "data": {"id": "stamps", "sha256": sha("stamps"), "shapes_fallback": False},
        "cost": {"images_seen": 1000, "seconds": 12.5, "peak_memory_mib": 300.0},
        "pretrain_cost": None
        if recipe["role"] == "floor"
        else {
            "images_seen": 40000,
            "seconds": 321.5,
            "peak_memory_mib": 512.25,
            "epochs": 20.0,
            "encoder_gflops": 0.123,
        },
        "environment": {
            "git_commit": None,
            "git_dirty": None,
            "python": "3.11.7",
            "packages": {},
            "device": "cpu",
            "threads": 2,
        },
        "started": "2026-01-01T00:00:00+00:00",
        "finished": f"2026-01-01T00:00:{10 + seed:02d}+00:00",
        "command": f"mrcl-bench run --recipe {recipe['name']} --protocol {protocol['name']}",
    }
    for key, value in overrides.items():
        part = default.get(key)
        merge = isinstance(value, dict) and isinstance(part, dict) and key != "metrics"
        default[key] = {**part, **value} if merge else value
    return Record.model_validate({**default, "recipe": recipe, "protocol": protocol})


def save(root: Path, *records: Record) -> list[Path]:
    """Writes records where they belong below ``root/results``; returns their paths."""
    paths = []
    for record in records:
        path = Workspace(root).record_path(
            record.profile, record.recipe.name, record.protocol.name, record.seed
        )
        write_record(path, record)
        paths.append(path)
    return paths


def seeds(values: list[float], key: str = "val/accuracy", **overrides: Any) -> list[Record]:
    """Returns one completed record per value, with seeds 0, 1, 2 …"""
    return [
        make_record(seed=seed, metrics={key: value}, **overrides)
        for seed, value in enumerate(values)
    ]


def example() -> list[Record]:
    """Returns a profile's records in which every cell state and note occurs."""
    means = {"mrcl": 0.84, "mae": 0.79, "simclr": 0.835, "supervised": 0.91, "random": 0.42}
    records = []
    for place, recipe in enumerate(RECIPES):
        mean = means[RECIPES[recipe]["algorithm"]]
        for name, protocol in PROTOCOLS.items():
            for seed, wobble in enumerate((-0.0061, 0.0013, 0.0052)):
                value = mean * {"linear": 1.0, "knn": 0.9, "mask-rcnn": 0.4, "upernet": 0.6}[
                    protocol["family"]
                ] + wobble * (1 + place / 7)
                metrics = {
                    "linear": {"val/accuracy": value, "novel/accuracy": value - 0.1},
                    "knn": {"val/accuracy": value},
                    "mask-rcnn": {
                        "val/bbox_mAP": value,
                        "val/bbox_mAP_50": value + 0.2,
                        "val/segm_mAP": value - 0.03,
                        "val/segm_mAP_50": value + 0.17,
                    },
                    "upernet": {
                        "val/mIoU": value,
                        "val/mAcc": value + 0.05,
                        "val/aAcc": value + 0.3,
                    },
                }[protocol["family"]]
                more: dict[str, Any] = {}
                if (recipe, name, seed) == ("mae_vit-t6_tiny", "vit-t6_linear_stamps", 2):
                    more = {"failure": {"kind": "memory", "message": "killed"}, "metrics": {}}
                if (recipe, name) == ("simclr_vit-t6_tiny", "mask-rcnn_vit-t6_stamps"):
                    more = {"failure": {"kind": "diverged", "message": "loss nan"}, "metrics": {}}
                if (recipe, name) == ("supervised_vit-t6_tiny", "vit-t6_upernet_stamps"):
                    continue
                if (recipe, name) == ("simclr_vit-t6_tiny", "vit-t6_upernet_stamps"):
                    more = {"data": {"sha256": sha("older stamps")}}
                if (recipe, name, seed) == ("random_vit-t6_tiny", "mask-rcnn_vit-t6_stamps", 1):
                    more = {"flags": ["no predictions"]}
                records.append(
                    make_record(
                        recipe=recipe, protocol=name, seed=seed, **{"metrics": metrics, **more}
                    )
                )
    return records
