"""What the harness adds to the same training, started with mmengine's Runner directly."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from . import timing

ROOT = Path(__file__).resolve().parent.parent
MICRO = ROOT / "tests" / "mm_configs"
BASES = {
    "pretraining": MICRO / "pretrain" / "mrcl_vit-128x4_1xb32-14iters_stamps48-micro.py",
    "job": MICRO / "classification" / "vit-128x4_1xb32-finetune-1e_stamps48-micro.py",
}
_HARNESS = """
import shutil, sys
for made in sys.argv[2:]:
    shutil.rmtree(made, ignore_errors=True)
from mrcl_bench.engine.worker import main
sys.exit(main(sys.argv[1]))
"""
_RUNNER = """
import sys
import torch
from mmengine.config import Config
from mmengine.runner import Runner
torch.set_num_threads(1)
config = Config.fromfile(sys.argv[1])
config.work_dir, config.randomness = sys.argv[2], dict(seed=0)
if len(sys.argv) > 3:
    config.model.backbone.init_cfg = dict(type="Pretrained", checkpoint=sys.argv[3])
    config.train_cfg.val_begin = 10**9
runner = Runner.from_cfg(config)
runner.train()
if len(sys.argv) > 3:
    runner.val()
    runner.test()
"""
FACTOR = 1 / 1.03
LENGTHS = ((14, 1), (60, 2), (240, 30))
"""Steps of a pretraining and epochs of a job: to see that it runs, of seconds, of a minute."""


def measure(quick: bool) -> list[timing.Measurement]:
    """Whole processes of a pretraining and of a trained job; the steps of a pretraining alone.

    What start-up and the end of a run add does not grow with it, so that processes of seconds
    and of a minute are measured, by the same aim.
    """
    from mrcl_bench.data.auto import make

    lengths, runs = (LENGTHS[:1], 1) if quick else (LENGTHS[1:], 3)
    found = []
    for steps, epochs in lengths:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            make(folder / "data" / "stamps-micro", source="shapes", micro=True)
            for kind, base in BASES.items():
                _write(folder / "configs", kind, base, steps, epochs)
            found += _whole(folder, steps, epochs, runs)
            if steps == lengths[0][0]:
                found.append(_steps(folder, steps, runs))
    return found


def _write(folder: Path, kind: str, base: Path, steps: int, epochs: int) -> None:
    """Makes a micro config as long as the benchmark wants it."""
    from mrcl_bench.catalog import read_bench_block

    length = f"train_cfg = dict(max_iters={steps}, val_interval={steps})\n"
    length += f'param_scheduler = [dict(type="CosineAnnealingLR", end={steps}, by_epoch=False)]\n'
    length += "default_hooks = dict(checkpoint=dict(interval=50))\n"
    if kind == "job":
        length = f"train_cfg = dict(max_epochs={epochs})\n"
    folder.mkdir(exist_ok=True)
    block = read_bench_block(base)
    (folder / f"{kind}.py").write_text(f"_base_ = [{str(base)!r}]\nbench = {block!r}\n{length}")


def _whole(folder: Path, steps: int, epochs: int, runs: int) -> list[timing.Measurement]:
    from mrcl_bench.catalog import Catalog
    from mrcl_bench.engine.request import Request
    from mrcl_bench.spec import Job
    from mrcl_bench.trust import VARIABLE

    catalog = Catalog(folder / "configs")
    recipe, protocol = catalog.recipe("pretraining"), catalog.protocol("job")
    job = Job(recipe=recipe, protocol=protocol, seed=0, profile="micro")
    same: dict[str, Any] = {"profile": "micro", "recipe": recipe, "root": folder}
    requests = {
        "pretraining": Request(kind="pretrain", **same),
        "job": Request(kind="evaluate", jobs=(job,), **same),
    }
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *_inherited()])}
    environment |= {VARIABLE: "1", "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    environment |= {"MRCL_BENCH_ROOT": str(folder), "MRCL_BENCH_DATA": str(folder / "data")}
    checkpoint = folder / "checkpoints" / "micro" / "pretraining"
    titles = {
        "pretraining": f"MRCL, {steps} steps, conversion and its proof included",
        "job": f"fine-tuning, {epochs} epochs, val and novel",
    }
    found = []
    for kind, request in requests.items():
        # A folder to itself: what is there already is not made again.
        file = folder / kind / "request.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(request.model_dump_json())
        made = [folder / "results"] + ([checkpoint] if kind == "pretraining" else [])
        start = [str(folder / "configs" / f"{kind}.py"), str(folder / "plain")]
        start += [str(checkpoint / "backbone.pth")] if kind == "job" else []
        commands = {
            "mmengine's Runner": [sys.executable, "-c", _RUNNER, *start],
            "the harness": [sys.executable, "-c", _HARNESS, str(file), *map(str, made)],
        }
        if kind == "pretraining":  # compiles bytecode, and leaves the weights of the job
            timing.processes({"warm": commands["the harness"]}, 1, folder, environment)
        clock, processor = timing.processes(commands, runs, folder, environment)
        for how, seconds in (("time of the processor", processor), ("by the clock", clock)):
            what = f"Whole process with start-up, {titles[kind]}, {how}"
            aims = (
                [timing.Target("the harness", "mmengine's Runner", FACTOR)]
                if seconds is processor
                else []
            )
            found.append(timing.Measurement(what, seconds, "mmengine's Runner", aims))
    return found


def _inherited() -> list[str]:
    return [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]


def _steps(folder: Path, steps: int, runs: int) -> timing.Measurement:
    """Training alone, both in this process, in turn, as their Runners do it."""
    import logging

    from mmengine.config import Config
    from mmengine.runner import Runner

    from mrcl_bench.engine.capture import Stopwatch
    from mrcl_bench.engine.resume import ElapsedHook
    from mrcl_bench.engine.runtime import build_runner, prepare
    from mrcl_bench.engine.stop import STOP, stop_hook

    prepare(1)
    logging.getLogger("mmengine").setLevel("ERROR")

    def config(length: int) -> Any:
        made = Config.fromfile(folder / "configs" / "pretraining.py")
        made.train_dataloader.dataset.data_root = str(folder / "data" / "stamps-micro" / "pretrain")
        made.train_cfg.max_iters, made.log_level = length, "ERROR"
        return made

    def plain(where: Path, length: int) -> float:
        one = config(length)
        one.work_dir, one.randomness, one.experiment_name = str(where), {"seed": 0}, where.name
        runner = Runner.from_cfg(one)
        begin = time.process_time()
        runner.train()
        return time.process_time() - begin

    def harness(where: Path, length: int) -> float:
        runner = build_runner(config(length), where, 0, "none", "steps")
        runner.register_hook(ElapsedHook(Stopwatch()), priority="LOWEST")
        runner.register_hook(stop_hook(), priority="LOWEST")
        begin = time.process_time()
        with STOP.deferred():
            runner.train()
        return time.process_time() - begin

    contestants = {"mmengine's Runner": plain, "the harness": harness}
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(-1, runs):
        for name, run in contestants.items():
            took = run(folder / f"{name} {turn}", steps if turn >= 0 else 5)
            if turn >= 0:  # the first turn warms up
                seconds[name].append(took)
    return timing.Measurement(
        f"Training alone, MRCL, {steps} steps, time of the processor",
        seconds,
        "mmengine's Runner",
        [timing.Target("the harness", "mmengine's Runner", FACTOR)],
        {"checkpoints": "every 50 steps in both"},
        steps,
    )
