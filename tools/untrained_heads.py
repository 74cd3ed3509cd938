"""Scores the dense protocols of `small` with heads that were never trained, on `val`.

What a trained head must beat. One step at rate 0 stands for training; the backbone is a
pretrained one, since the heads are what is asked about.

    python tools/untrained_heads.py WORKSPACE [--recipe mae]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from trials import CONFIGS, ROOT, fresh_folder, link, records, run, write_variant

from mrcl_bench.catalog import read_bench_block

UNTRAINED = (
    "train_cfg = dict(max_iters=1, val_interval=1)",
    "optim_wrapper = dict(optimizer=dict(lr=0.0))",
    "param_scheduler = []",
)


def main() -> None:
    """Writes a config for each dense protocol of small, runs them, prints the metrics."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--recipe", default="mae")
    arguments = parser.parse_args()
    workspace = arguments.workspace.resolve()
    configs = fresh_folder(workspace / "configs")
    if not (workspace / "checkpoints").exists():
        link(ROOT / "checkpoints", workspace / "checkpoints")
    options = ["--recipe", arguments.recipe]
    for path in [*CONFIGS.glob("detection/*.py"), *CONFIGS.glob("segmentation/*.py")]:
        block = read_bench_block(path) or {}
        if "small" not in block.get("profiles", []):
            continue
        name = f"untrained-{block['family']}"
        bench = {"profiles": ["small"], "family": name, "display": name}
        write_variant(configs / f"{name}.py", path, bench, UNTRAINED)
        options += ["--protocol", name]
    run(workspace, "small", configs, options, ROOT / "data")
    for path, record in records(workspace, "small", "*/untrained-*/*.json"):
        metrics = record["metrics"]
        shown = {key: round(100 * value, 3) for key, value in metrics.items() if "val/" in key}
        print(path.parent.name, path.stem, shown)


if __name__ == "__main__":
    main()
