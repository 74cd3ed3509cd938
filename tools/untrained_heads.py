"""Scores the dense protocols of `small` with heads that were never trained, on `val`.

What a trained head must beat. One step at rate 0 stands for training; the backbone is a
pretrained one, since the heads are what is asked about.

    python tools/untrained_heads.py WORKSPACE [--recipe mae]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from sweep_pretrain import CONFIGS, ROOT
from sweep_protocol import link

from mrcl_bench.catalog import read_bench_block


def main() -> None:
    """Writes a config for each dense protocol of small, runs them, prints the metrics."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--recipe", default="mae")
    arguments = parser.parse_args()
    workspace = arguments.workspace.resolve()
    configs = workspace / "configs"
    configs.mkdir(parents=True, exist_ok=True)
    if not (workspace / "checkpoints").exists():
        link(ROOT / "checkpoints", workspace / "checkpoints")
    names = []
    for path in [*CONFIGS.glob("detection/*.py"), *CONFIGS.glob("segmentation/*.py")]:
        block = read_bench_block(path) or {}
        if "small" not in block.get("profiles", []):
            continue
        names.append(f"untrained-{block['family']}")
        bench = dict(block, profiles=["small"], family=names[-1], display=names[-1])
        (configs / f"{names[-1]}.py").write_text(
            f"_base_ = [{str(path)!r}]\nbench = {bench!r}\n"
            "train_cfg = dict(max_iters=1, val_interval=1)\n"
            "optim_wrapper = dict(optimizer=dict(lr=0.0))\nparam_scheduler = []\n"
        )
    command = [
        sys.executable, "-m", "mrcl_bench.cli.main", "run", "--profile", "small",
        "--configs", str(configs), "--recipe", arguments.recipe,
        *(word for name in names for word in ("--protocol", name)),
    ]  # fmt: skip
    environment = {
        **os.environ,
        "MRCL_BENCH_ROOT": str(workspace),
        "MRCL_BENCH_DATA": str(ROOT / "data"),
    }
    subprocess.run(command, env=environment, check=False)
    for path in sorted((workspace / "results/records/small").glob("*/untrained-*/*.json")):
        metrics = json.loads(path.read_text())["metrics"]
        shown = {key: round(100 * value, 3) for key, value in metrics.items() if "val/" in key}
        print(path.parent.name, path.stem, shown)


if __name__ == "__main__":
    main()
