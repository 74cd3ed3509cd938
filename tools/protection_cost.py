"""Measures what safe checkpoints, signals and checks cost a pretraining's time.

    python -m tools.protection_cost --pairs 5

Trains SimCLR of the test profile ``micro``, once with the hooks of `mrcl_bench.engine` that protect
a run and once with mmengine's own checkpoint hook and none of them, in turn, in one process, and
compares processor time, which other work on the machine disturbs least, and wall-clock time. A
checkpoint every 25 steps is twice as often as ``tiny`` and ``small`` have it.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

CONFIG = "tests/mm_configs/pretrain/simclr_vit-128x4_1xb32-14iters_stamps48-micro.py"


def run(folder: Path, data: Path, steps: int, protected: bool) -> tuple[float, float]:
    """Trains; returns seconds of processor time and of the clock."""
    from mmengine.config import Config

    from mrcl_bench.engine import runtime
    from mrcl_bench.engine.stop import STOP, stop_hook

    root = Path(__file__).resolve().parent.parent
    config = Config.fromfile(root / CONFIG)
    config.train_dataloader.dataset.data_root = str(data / "stamps-micro/pretrain")
    config.train_cfg.max_iters = steps
    config.default_hooks.checkpoint.interval = 25
    config.experiment_name = folder.name
    guards: tuple[Any, ...] = (runtime.FiniteHook, runtime.PlainHistoryHook)
    config.log_level = "ERROR"
    real = runtime.protect
    runtime.protect = real if protected else (lambda config: None)
    try:
        runner = runtime.build_runner(config, folder, 0, "none", "cost")
    finally:
        runtime.protect = real
    if protected:
        runner.register_hook(stop_hook(), priority="LOWEST")
    else:
        runner._hooks = [hook for hook in runner.hooks if not isinstance(hook, guards)]
    cpu, clock = time.process_time(), time.perf_counter()
    with STOP.deferred():
        runner.train()
    return time.process_time() - cpu, time.perf_counter() - clock


def main() -> None:
    """Parses the command line, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])  # type: ignore[union-attr]
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=100)
    options = parser.parse_args()
    from mrcl_bench.data.auto import make
    from mrcl_bench.engine.runtime import prepare

    prepare(1)
    ratios: tuple[list[float], list[float]] = ([], [])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder / "stamps-micro", source="shapes", micro=True)
        run(folder / "warm", folder, 10, True)
        for pair in range(options.pairs):
            order = (True, False) if pair % 2 else (False, True)
            took = {on: run(folder / f"{pair}{on}", folder, options.steps, on) for on in order}
            for index, kind in enumerate(ratios):
                kind.append(took[True][index] / took[False][index] - 1)
            print(
                f"pair {pair}: with {took[True]}, without {took[False]} (CPU s, clock s)",
                flush=True,
            )
    for name, kind in zip(("processor", "clock"), ratios, strict=True):
        spread = statistics.stdev(kind) if len(kind) > 1 else float("nan")
        print(f"{name} time: {statistics.median(kind):+.2%} median, ±{spread:.2%} between pairs")


if __name__ == "__main__":
    main()
