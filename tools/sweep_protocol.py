"""Tries downstream settings on Stamps and prints what they reach on a held-out part of *train*.

Each variant is a shipped protocol with some settings replaced. The workspace gets a Stamps of
its own, in which a fifth of train stands in for `val` and `novel`: the reporting splits are not
there, so nothing can be read on them.

    python tools/sweep_protocol.py WORKSPACE VARIANTS.json --recipe mae --recipe random

VARIANTS.json maps a variant's name to
{"protocol": stem, "length": n, "warm": n, "seeds": n, "set": {"a.b": value}}; lengths are
iterations, for fine-tuning epochs.
The recipes are `--profile`'s (default small), and must be pretrained in this checkout.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from sweep_pretrain import CONFIGS, ROOT, nested

from mrcl_bench.catalog import read_bench_block

HELD = 0.2


def link(target: Path, place: Path) -> None:
    """Makes a symbolic link, its folder included."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target.resolve())


def part(names: list[str], seed: int = 0) -> tuple[list[str], list[str]]:
    """Splits names into those to fit on and those held out, the same each time."""
    order = np.random.default_rng(seed).permutation(len(names))
    count = round(HELD * len(names))
    held = {names[index] for index in order[:count]}
    return [n for n in names if n not in held], sorted(held)


def hold_out(source: Path, target: Path) -> None:
    """Lays out a Stamps of links whose val and novel are a fifth of the source's train."""
    for folder in sorted((source / "classification/train").iterdir()):
        fit, held = part(sorted(path.name for path in folder.iterdir()))
        for split, names in (("train", fit), ("val", held), ("novel", held)):
            for name in names:
                link(folder / name, target / "classification" / split / folder.name / name)
    coco = json.loads((source / "detection/annotations/instances_train.json").read_text())
    stems = sorted(Path(image["file_name"]).stem for image in coco["images"])
    fit, held = part(stems)
    (target / "detection/annotations").mkdir(parents=True)
    for split, names in (("train", fit), ("val", held), ("novel", held)):
        images = [i for i in coco["images"] if Path(i["file_name"]).stem in names]
        kept = {image["id"] for image in images}
        boxes = [a for a in coco["annotations"] if a["image_id"] in kept]
        text = json.dumps({**coco, "images": images, "annotations": boxes})
        (target / f"detection/annotations/instances_{split}.json").write_text(text)
        link(source / "detection/train", target / "detection" / split)
    link(source / "segmentation/classes.json", target / "segmentation/classes.json")
    stems = sorted(path.stem for path in (source / "segmentation/images/training").iterdir())
    fit, held = part(stems)
    for split, names in (("training", fit), ("validation", held), ("novel", held)):
        for kind, suffix in (("images", ".jpg"), ("annotations", ".png")):
            for name in names:
                file = f"{name}{suffix}"
                link(
                    source / "segmentation" / kind / "training" / file,
                    target / "segmentation" / kind / split / file,
                )


def write_variant(path: Path, name: str, variant: dict[str, Any], profile: str) -> None:
    """Writes one variant's config."""
    base = next(CONFIGS.rglob(f"{variant['protocol']}.py"))
    bench = dict(
        read_bench_block(base) or {},
        profiles=[profile], family=name, display=name, data="own:stamps",
        seeds=variant.get("seeds", 1),
    )  # fmt: skip
    lines = [f"_base_ = [{str(base)!r}]", f"bench = {bench!r}"]
    if "length" in variant:
        length, warm = variant["length"], variant["warm"]
        epochs = bench["adapter"] == "finetune"
        unit = "by_epoch=True, convert_to_iter_based=True" if epochs else "by_epoch=False"
        end = f"max_epochs={length}" if epochs else f"max_iters={length}, val_interval={length}"
        lines += [
            f"train_cfg = dict({end})",
            "param_scheduler = [",
            f"    dict(type='LinearLR', start_factor=1e-2, end={warm}, {unit}),",
            f"    dict(type='CosineAnnealingLR', begin={warm}, end={length}, {unit}),",
            "]",
        ]
    lines += [f"{key} = {value!r}" for key, value in nested(variant.get("set", {})).items()]
    path.write_text("\n".join(lines) + "\n")


def main() -> None:
    """Lays out the data, writes the variants, runs them, prints what they reach."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("variants", type=Path)
    parser.add_argument("--recipe", action="append", required=True)
    parser.add_argument("--profile", default="small")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    workspace = arguments.workspace.resolve()
    if not (workspace / "data").exists():
        hold_out(ROOT / "data/stamps", workspace / "data/stamps")
        link(ROOT / "checkpoints", workspace / "checkpoints")
    configs = workspace / "configs"
    configs.mkdir(exist_ok=True)
    for old in configs.glob("*.py"):
        old.unlink()
    variants = json.loads(arguments.variants.read_text())
    for name, variant in variants.items():
        write_variant(configs / f"{name}.py", name, variant, arguments.profile)
    command = [
        sys.executable, "-m", "mrcl_bench.cli.main", "run", "--profile", arguments.profile,
        "--configs", str(configs), "--jobs", str(arguments.jobs),
        *(word for name in variants for word in ("--protocol", name)),
        *(word for name in arguments.recipe for word in ("--recipe", name)),
    ]  # fmt: skip
    environment = {
        **os.environ,
        "MRCL_BENCH_ROOT": str(workspace),
        "MRCL_BENCH_DATA": str(workspace / "data"),
    }
    subprocess.run(command, env=environment, check=False)
    records = workspace / "results/records" / arguments.profile
    for name in variants:
        for folder in sorted(records.glob(f"*/{name}")):
            values: dict[str, list[float]] = {}
            for path in folder.glob("*.json"):
                for key, value in json.loads(path.read_text())["metrics"].items():
                    if key.startswith("val/") and "_75" not in key:
                        values.setdefault(key, []).append(100 * value)
            shown = ", ".join(
                f"{key.removeprefix('val/')} {statistics.mean(v):.1f}"
                + (f" ±{statistics.stdev(v):.1f}" if len(v) > 1 else "")
                for key, v in values.items()
            )
            print(f"{name:<24} {folder.parent.name.split('_')[0]:<11} held out: {shown}")


if __name__ == "__main__":
    main()
