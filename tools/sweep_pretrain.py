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
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CONFIGS = ROOT / "mm_configs"
sys.path.insert(0, str(ROOT))

from mrcl_bench.catalog import read_bench_block  # noqa: E402


def nested(settings: dict[str, Any]) -> dict[str, Any]:
    """Turns dotted keys into nested dicts."""
    out: dict[str, Any] = {}
    for key, value in settings.items():
        *parents, last = key.split(".")
        place = out
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    return out


def write_variant(folder: Path, name: str, variant: dict[str, Any]) -> None:
    """Writes one variant's config."""
    path = next(CONFIGS.rglob(f"{variant['recipe']}.py"))
    bench = dict(read_bench_block(path) or {}, profiles=["micro"], algorithm=name, display=name)
    lines = [f"_base_ = [{str(path)!r}]", f"bench = {bench!r}"]
    for key, value in nested(variant.get("set", {})).items():
        lines.append(f"{key} = {value!r}")
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
    (folder / f"{name}.py").write_text("\n".join(lines) + "\n")


def main() -> None:
    """Writes the variants, runs them, prints held-out accuracies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("variants", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    workspace = arguments.workspace.resolve()
    folder = workspace / "configs"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.py"):
        old.unlink()
    for protocol in ("linear-lbfgs", "knn"):
        path = CONFIGS / "classification" / f"vit-128x4_{protocol}_stamps48.py"
        bench = dict(read_bench_block(path) or {}, profiles=["micro"], seeds=3)
        text = f"_base_ = [{str(path)!r}]\nbench = {bench!r}\n"
        (folder / f"{protocol}.py").write_text(text)
    variants = json.loads(arguments.variants.read_text())
    for name, variant in variants.items():
        write_variant(folder, name, variant)
    command = [
        sys.executable, "-m", "mrcl_bench.cli.main", "run", "--profile", "micro",
        "--configs", str(folder), "--jobs", str(arguments.jobs),
    ]  # fmt: skip
    environment = {**os.environ, "MRCL_BENCH_ROOT": str(workspace)}
    subprocess.run(command, env=environment, check=False)
    for name in variants:
        line = [f"{name:<28}"]
        for protocol in ("linear-lbfgs", "knn"):
            records = [
                json.loads(path.read_text())
                for path in (workspace / "results/records/micro" / name / protocol).glob("*.json")
            ]
            held = [r["choices"]["held_out_accuracy"] for r in records if r["choices"]]
            if held:
                spread = statistics.stdev(held) if len(held) > 1 else 0.0
                line.append(f"{protocol} {100 * statistics.mean(held):.1f} ±{100 * spread:.1f}")
        print("  ".join(line))


if __name__ == "__main__":
    main()
