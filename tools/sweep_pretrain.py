"""Tries pretraining settings on Stamps and ranks them on a held-out part of *train*.

Each variant is a shipped recipe with some settings replaced. It is pretrained, then judged by
the linear probe and k-NN; what is printed, and what a choice may be based on, is the accuracy
on the part of train that the probes hold out. The reporting splits are not looked at.

    python tools/sweep_pretrain.py WORKSPACE VARIANTS.json [--jobs 2]

VARIANTS.json maps a variant's name to {"recipe": stem, "iters": n, "set": {"a.b.c": value}}.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from trials import fresh_folder, mean_and_spread, nested, records, run, shipped, write_variant


def lines_of(variant: dict[str, Any]) -> list[str]:
    """The settings of one variant, as lines of a config."""
    lines = [f"{key} = {value!r}" for key, value in nested(variant.get("set", {})).items()]
    if "iters" in variant:
        iters = variant["iters"]
        warm = iters // 5
        lines += [
            f"train_cfg = dict(max_iters={iters}, val_interval={iters})",
            "param_scheduler = [",
            f"    dict(type='LinearLR', start_factor=1e-3, end={warm}, by_epoch=False),",
            "    dict(type='CosineAnnealingLR', eta_min=1e-5, by_epoch=False, "
            f"begin={warm}, end={iters}),",
            "]",
        ]
    return lines


def main() -> None:
    """Writes the variants, runs them, prints held-out accuracies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("variants", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    workspace = arguments.workspace.resolve()
    configs = fresh_folder(workspace / "configs")
    for protocol in ("linear-lbfgs", "knn"):
        base = shipped(f"vit-128x4_{protocol}_stamps48")
        write_variant(configs / f"{protocol}.py", base, {"profiles": ["micro"], "seeds": 3})
    variants = json.loads(arguments.variants.read_text())
    for name, variant in variants.items():
        bench = {"profiles": ["micro"], "algorithm": name, "display": name}
        base = shipped(variant["recipe"])
        write_variant(configs / f"{name}.py", base, bench, lines_of(variant))
    run(workspace, "micro", configs, ["--jobs", str(arguments.jobs)])
    for name in variants:
        line = [f"{name:<28}"]
        for protocol in ("linear-lbfgs", "knn"):
            found = records(workspace, "micro", f"{name}/{protocol}/*.json")
            held = [100 * r["choices"]["held_out_accuracy"] for _, r in found if r["choices"]]
            if held:
                line.append(f"{protocol} {mean_and_spread(held)}")
        print("  ".join(line))


if __name__ == "__main__":
    main()
