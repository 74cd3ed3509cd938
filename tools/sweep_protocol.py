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
from pathlib import Path
from typing import Any

import numpy as np
from trials import (
    ROOT,
    fresh_folder,
    link,
    mean_and_spread,
    nested,
    records,
    run,
    shipped,
    write_variant,
)

from mrcl_bench.catalog import read_bench_block
from mrcl_bench.jobs.features import held_out

HELD = 0.2


def part(names: list[str]) -> tuple[list[str], list[str]]:
    """Splits names into those to fit on and those held out, the same each time."""
    hidden = held_out(np.zeros(len(names), dtype=np.int64), HELD, seed=0)
    pairs = list(zip(names, hidden, strict=True))
    return [name for name, out in pairs if not out], [name for name, out in pairs if out]


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


def lines_of(variant: dict[str, Any], base: Path) -> list[str]:
    """The settings of one variant, as lines of a config."""
    lines = []
    if "length" in variant:
        length, warm = variant["length"], variant["warm"]
        epochs = (read_bench_block(base) or {})["adapter"] == "finetune"
        unit = "by_epoch=True, convert_to_iter_based=True" if epochs else "by_epoch=False"
        end = f"max_epochs={length}" if epochs else f"max_iters={length}, val_interval={length}"
        lines += [
            f"train_cfg = dict({end})",
            "param_scheduler = [",
            f"    dict(type='LinearLR', start_factor=1e-2, end={warm}, {unit}),",
            f"    dict(type='CosineAnnealingLR', begin={warm}, end={length}, {unit}),",
            "]",
        ]
    return lines + [f"{key} = {value!r}" for key, value in nested(variant.get("set", {})).items()]


def main() -> None:
    """Lays out the data, writes the variants, runs them, prints what they reach."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("variants", type=Path)
    parser.add_argument("--recipe", action="append", required=True)
    parser.add_argument("--profile", default="small")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    workspace, profile = arguments.workspace.resolve(), arguments.profile
    if not (workspace / "data").exists():
        hold_out(ROOT / "data/stamps", workspace / "data/stamps")
        link(ROOT / "checkpoints", workspace / "checkpoints")
    configs = fresh_folder(workspace / "configs")
    variants = json.loads(arguments.variants.read_text())
    options = ["--jobs", str(arguments.jobs)]
    for name, variant in variants.items():
        base = shipped(variant["protocol"])
        bench = {
            "profiles": [profile],
            "family": name,
            "display": name,
            "data": "own:stamps",
            "seeds": variant.get("seeds", 1),
        }
        write_variant(configs / f"{name}.py", base, bench, lines_of(variant, base))
        options += ["--protocol", name]
    for name in arguments.recipe:
        options += ["--recipe", name]
    run(workspace, profile, configs, options, workspace / "data")
    for name in variants:
        reached: dict[str, dict[str, list[float]]] = {}
        for path, record in records(workspace, profile, f"*/{name}/*.json"):
            values = reached.setdefault(path.parent.parent.name.split("_")[0], {})
            for key, value in record["metrics"].items():
                if key.startswith("val/") and "_75" not in key:
                    values.setdefault(key.removeprefix("val/"), []).append(100 * value)
        for recipe, values in reached.items():
            shown = ", ".join(f"{key} {mean_and_spread(v)}" for key, v in values.items())
            print(f"{name:<24} {recipe:<11} held out: {shown}")


if __name__ == "__main__":
    main()
