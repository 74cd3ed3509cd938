"""Measures what safe checkpoints, signals and checks cost a pretraining's time.

    python -m tools.protection_cost --pairs 5

Trains SimCLR of the test profile ``micro``, a checkpoint every 25 steps: twice as often as ``tiny``
and ``small`` have it. Two ways, for the cost is small and machines are noisy:

- From within: the time inside all that protects a run, by its own clock, as a share of the run.
- From outside: the run against one with mmengine's own checkpoint hook and none of ours, in turn,
  in one process.

Processor time is what other work on the machine disturbs least; the clock also sees waiting for the
disk.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CONFIG = "tests/mm_configs/pretrain/simclr_vit-128x4_1xb32-14iters_stamps48-micro.py"
MOMENTS = ("before_train", "after_train_iter", "before_save_checkpoint")


@dataclass
class Spent:
    """Seconds of processor time and of the clock."""

    seconds: list[float] = field(default_factory=lambda: [0.0, 0.0])

    def counting(self, function: Callable[..., Any], sign: int = 1) -> Callable[..., Any]:
        """The function, and what it takes is added."""

        def counted(*arguments: Any, **options: Any) -> Any:
            begun = (time.process_time(), time.perf_counter())
            try:
                return function(*arguments, **options)
            finally:
                ended = (time.process_time(), time.perf_counter())
                for index in range(2):
                    self.seconds[index] += sign * (ended[index] - begun[index])

        return counted


def run(folder: Path, data: Path, steps: int, protected: bool) -> tuple[list[float], list[float]]:
    """Trains; returns what that took, and what of it went into protection."""
    from mmengine.config import Config

    from mrcl_bench.engine import resume, runtime
    from mrcl_bench.engine.capture import Stopwatch
    from mrcl_bench.engine.checkpoints import checkpoint_hook
    from mrcl_bench.engine.stop import STOP, stop_hook

    root = Path(__file__).resolve().parent.parent
    config = Config.fromfile(root / CONFIG)
    config.train_dataloader.dataset.data_root = str(data / "stamps-micro/pretrain")
    config.train_cfg.max_iters = steps
    config.default_hooks.checkpoint.interval = 25
    config.experiment_name = folder.name
    config.log_level = "ERROR"
    kinds = (
        runtime.FiniteHook, resume.RngHook, resume.GradientHook, resume.PlainHistoryHook
    )  # fmt: skip
    real = runtime.protect
    runtime.protect = real if protected else (lambda config: None)
    try:
        runner = runtime.build_runner(config, folder, 0, "none", "cost")
    finally:
        runtime.protect = real
    guards = [hook for hook in runner.hooks if isinstance(hook, kinds)]
    inside = Spent()
    if protected:
        guards += [stop_hook(), resume.ElapsedHook(Stopwatch()), resume.ResumedHook()]
        for hook in guards[-3:]:
            runner.register_hook(hook, priority="LOWEST")
        for hook in guards:
            for moment in MOMENTS:
                setattr(hook, moment, inside.counting(getattr(hook, moment)))
        saver: Any = checkpoint_hook(runner)
        saver._save_checkpoint_with_step = inside.counting(saver._save_checkpoint_with_step)
        # mmengine's own writing is no protection; our hooks within it are counted by themselves.
        runner.save_checkpoint = inside.counting(runner.save_checkpoint, sign=-1)
    else:
        runner._hooks = [hook for hook in runner.hooks if hook not in guards]
    whole = Spent()
    with STOP.deferred():
        whole.counting(runner.train)()
    return whole.seconds, inside.seconds


def main() -> None:
    """Parses the command line, measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])  # type: ignore[union-attr]
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=100)
    options = parser.parse_args()
    from mrcl_bench.data.auto import make
    from mrcl_bench.engine.runtime import prepare

    prepare(1)
    outside: tuple[list[float], list[float]] = ([], [])
    within: tuple[list[float], list[float]] = ([], [])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder / "stamps-micro", source="shapes", micro=True)
        run(folder / "warm", folder, 10, True)
        for pair in range(options.pairs):
            order = (True, False) if pair % 2 else (False, True)
            took = {on: run(folder / f"{pair}{on}", folder, options.steps, on) for on in order}
            (whole, inside), (plain, _) = took[True], took[False]
            for index in range(2):
                outside[index].append(whole[index] / plain[index] - 1)
                within[index].append(inside[index] / whole[index])
            shown = (", ".join(f"{value:.2f}" for value in kind) for kind in (whole, plain, inside))
            print("pair {}: with {}; without {}; inside {} (CPU s, clock s)".format(pair, *shown),
                  flush=True)  # fmt: skip
    for index, clock in enumerate(("processor", "clock")):
        pairs = outside[index]
        spread = statistics.stdev(pairs) if len(pairs) > 1 else float("nan")
        print(
            f"{clock} time: {statistics.median(within[index]):.2%} within (at most "
            f"{max(within[index]):.2%}); {statistics.median(pairs):+.2%} against without, "
            f"±{spread:.2%} between pairs"
        )


if __name__ == "__main__":
    main()
