"""Kills the whole chain with SIGKILL at random moments and goes on, until it is done; then again.

    python -m tools.chaos --kills 50 --seconds 3000

The chain is what `make demo` does: data, pretraining, conversion, probes, trained jobs, tables.
Each kill falls into a stage of it that was drawn, and takes the command, one of its workers, or all
of them at once. After each kill every published file must load. Each finished chain must have what
an undisturbed one has: the same records, equal to the bit but for times, weights of the same
sha256, the same tables, nothing that `verify` complains of, and no process left. Exit code 0 if all
of that held.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CONFIGS = Path(__file__).resolve().parent.parent / "tests/mm_configs"
RECIPE = "simclr"
PROTOCOLS = ("knn", "finetune", "mask-rcnn", "upernet")
STAGES = ("data", "pretraining", "conversion", "knn", *PROTOCOLS[1:], "compare")
EVERY_STEP = """default_hooks = dict(
    checkpoint=dict(_delete_=True, type="CheckpointHook", by_epoch=False, interval=1)
)
"""
"""The trained jobs are too short for a checkpoint after ten seconds."""
SHORT = """train_cfg = dict(max_iters=8, val_interval=8)
param_scheduler = [dict(type="CosineAnnealingLR", end=8, by_epoch=False)]
default_hooks = dict(checkpoint=dict(interval=2))
"""
"""The pretraining is made for its checkpoints, not for its weights."""
_POLL_SECONDS = 0.03
_TIMES = {"started", "finished", "environment", "seconds", "peak_memory_mib", "source_sha256"}
"""What differs between two runs. The raw file has a time in it, too; its weights are compared."""


@dataclass
class Tally:
    """What happened."""

    victims: Counter[str] = field(default_factory=Counter)
    stages: Counter[str] = field(default_factory=Counter)
    finished: int = 0

    @property
    def kills(self) -> int:
        """How many so far."""
        return self.victims.total()


def write_configs(folder: Path, protocols: Sequence[str]) -> Path:
    """Writes the configs of the chain; its trained jobs save after every step."""
    from mrcl_bench.catalog import read_bench_block

    folder.mkdir(parents=True)
    for name in (RECIPE, *protocols):
        (base,) = (path for path in CONFIGS.rglob("*.py") if name in path.name)
        more = {RECIPE: SHORT, "knn": ""}.get(name, EVERY_STEP)
        text = f"_base_ = [{str(base)!r}]\nbench = {read_bench_block(base)!r}\n{more}\n"
        (folder / base.name).write_text(text)
    return folder


class Chain:
    """The commands, one after the other, in a workspace.

    Args:
        root: The workspace.
        configs: Folder of its recipe and protocols.
    """

    def __init__(self, root: Path, configs: Path) -> None:
        from mrcl_bench.trust import VARIABLE

        self.root = root
        self._environment = {**os.environ, VARIABLE: "1", "MRCL_BENCH_ROOT": str(root)}
        self._environment.pop("MRCL_BENCH_DATA", None)
        self._commands = {
            "data": ["data", "stamps", "--size", "micro", "--source", "shapes"],
            "run": ["run", "--profile", "micro", "--configs", str(configs), "--jobs", "2"],
            "compare": ["compare", "--profile", "micro"],
        }

    def start(self, name: str) -> subprocess.Popen[bytes]:
        """Starts one of the commands."""
        return subprocess.Popen(
            [sys.executable, "-m", "mrcl_bench.cli.main", *self._commands[name]],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=self._environment,
        )

    def workers(self, command: int | None = None) -> dict[int, str]:
        """Live workers in this workspace, by process id, and what they are at.

        Args:
            command: Only of this one.
        """
        found = {}
        for pid in _processes() if command is None else _children(command):
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue  # it has ended
            module, request = ["", "", *words.strip("\0").split("\0")][-2:]
            if module == "mrcl_bench.engine.worker" and request.startswith(f"{self.root}/"):
                found[pid] = self._stage(Path(request))
        return found

    def _stage(self, request: Path) -> str:
        if "pretrain" in request.parts:
            raw = self.root / "checkpoints/micro" / request.parent.name / "raw.pth"
            return "conversion" if raw.exists() else "pretraining"
        names = (name for name in PROTOCOLS if name in str(request.parent.relative_to(self.root)))
        return next(names, "knn")

    def run(self, watch: Any = None) -> bool:
        """Runs all commands to the end.

        Args:
            watch: Called over and over with this, the running command and its process; it may
                kill, and says so.

        Returns:
            Whether all of them succeeded.
        """
        for name in self._commands:
            command = self.start(name)
            try:
                while command.poll() is None:
                    if watch is not None and watch(self, name, command):
                        watch = None
                    time.sleep(_POLL_SECONDS)
            finally:
                if command.poll() is None:
                    command.terminate()
                    command.wait()
            if command.returncode != 0:
                return False
        return True


def _processes() -> list[int]:
    return [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()]


def _children(pid: int) -> list[int]:
    try:
        return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


class Clock:
    """Measures how long each stage of an undisturbed chain takes."""

    def __init__(self) -> None:
        self.seen: dict[str, list[float]] = {}

    def __call__(self, chain: Chain, name: str, command: subprocess.Popen[bytes]) -> bool:
        """Looks; kills nobody."""
        now = time.monotonic()
        for stage in _under_way(chain, name, command).values():
            self.seen.setdefault(stage, [now, now])[1] = now
        return False

    def seconds(self, stage: str) -> float:
        """Of a stage."""
        first, last = self.seen.get(stage, (0.0, 0.0))
        return last - first


class Killer:
    """Kills once, at a moment of a stage; if that is over sooner, then of one that comes later.

    Args:
        stage: Which.
        clock: How long stages take.
        draw: Chooses when, and who dies.
        tally: Keeps count.
    """

    def __init__(self, stage: str, clock: Clock, draw: random.Random, tally: Tally) -> None:
        self._clock, self._draw, self._tally = clock, draw, tally
        self.done = False
        self._aim(stage)

    def _aim(self, stage: str) -> None:
        self.stage, self._since = stage, 0.0
        self._after = self._draw.uniform(0, self._clock.seconds(stage))

    def __call__(self, chain: Chain, name: str, command: subprocess.Popen[bytes]) -> bool:
        """Looks; says whether it has killed."""
        here = _under_way(chain, name, command)
        at_it = [pid for pid, stage in here.items() if stage == self.stage]
        if not at_it:
            later = [s for s in here.values() if STAGES.index(s) > STAGES.index(self.stage)]
            if later:
                self._aim(later[0])
            return False
        self._since = self._since or time.monotonic()
        if time.monotonic() - self._since < self._after:
            return False
        workers = [pid for pid in here if pid != command.pid]
        kinds = ["command", "worker", "all"] if workers else ["command"]
        kind = self._draw.choice(kinds)
        victims = {"command": [command.pid], "worker": at_it, "all": [command.pid, *workers]}
        for pid in victims[kind]:
            _kill(pid)
        self._tally.victims[kind] += 1
        self._tally.stages[self.stage] += 1
        self.done = True
        return True


def _under_way(chain: Chain, name: str, command: subprocess.Popen[bytes]) -> dict[int, str]:
    return chain.workers(command.pid) if name == "run" else {command.pid: name}


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # it was quicker


def ends_of(root: Path) -> dict[str, Any]:
    """What the published files of a workspace say, but for times.

    Raises:
        Exception: A published file does not load, or is not what its manifest says.
    """
    import numpy as np

    from mrcl_bench.atomic import sha256_file
    from mrcl_bench.checkpoint import load_state_dict, state_dict_sha256
    from mrcl_bench.convert.manifest import read_manifest
    from mrcl_bench.record import find_records, read_record
    from mrcl_bench.workspace import Workspace

    workspace = Workspace(root)
    ends: dict[str, Any] = {}
    for manifest in sorted((root / "checkpoints").rglob("manifest.json")):
        said = read_manifest(manifest.parent).weights_sha256
        found = state_dict_sha256(load_state_dict(manifest.parent / "backbone.pth"))
        if said != found:
            raise ValueError(f"{manifest} says {said}, the weights are {found}")
        ends[str(manifest.parent.relative_to(root))] = found
    for path in find_records(workspace.results):
        record = read_record(path)
        ends[str(path.relative_to(root))] = _timeless(record.model_dump(mode="json"))
        for name in record.artifacts.values():
            with np.load(path.with_name(name)) as stored:
                ends[f"{path.relative_to(root)}: {name}"] = {
                    key: stored[key].tobytes() for key in stored.files
                }
    for path in sorted(workspace.tables("micro").glob("*")):
        if path.stem != "cost":  # seconds and memory
            ends[str(path.relative_to(root))] = path.read_text()
    for path in sorted(root.rglob(".*.tmp")):
        ends[str(path.relative_to(root))] = "half written"
    for path in sorted((root / "data").glob("*/manifest.json")):
        ends[str(path.relative_to(root))] = sha256_file(path)
    return ends


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _timeless(entry) for key, entry in value.items() if key not in _TIMES}
    return value


def chaos(
    folder: Path, kills: int, seconds: float, seed: int, protocols: Sequence[str] = PROTOCOLS
) -> Tally:
    """Runs the chain undisturbed, then as often as it takes to kill it that many times.

    Args:
        folder: An empty folder; a chain that finished well is deleted.
        kills: How many times.
        seconds: No new kill after that long.
        seed: Of the stages, moments and victims.
        protocols: Which of `PROTOCOLS`.

    Raises:
        Exception: Something was lost, doubled, unreadable or another, or a process was left.
    """
    import shutil

    begun = time.monotonic()
    configs = write_configs(folder / "configs", protocols)
    clock, whole = Clock(), Chain(folder / "whole", configs)
    if not whole.run(clock):
        raise RuntimeError(f"the undisturbed chain failed; see {whole.root}/results/runs")
    _check(whole)
    wanted = ends_of(whole.root)
    stages = [stage for stage in STAGES if stage in clock.seen]
    print(", ".join(f"{s} {clock.seconds(s):.1f} s" for s in stages), flush=True)
    draw, tally, number = random.Random(seed), Tally(), 0
    while tally.kills < kills and time.monotonic() - begun < seconds:
        chain = Chain(folder / f"chain{number}", configs)
        number += 1
        # In order: each attempt gets a little further.
        count = min(kills - tally.kills, 2 * len(stages))
        aims = sorted(draw.choices(stages, k=count), key=stages.index)
        while True:
            spare = tally.kills < kills and time.monotonic() - begun < seconds
            killer = None
            if not spare:
                aims = []
            if aims:
                killer = Killer(aims.pop(0), clock, draw, tally)
            well = chain.run(killer)
            if killer is not None and killer.done:
                ends_of(chain.root)  # all of it loads
                if killer.stage == STAGES[-1]:
                    aims = []  # nothing else is left to do
                so_far = f"{tally.kills} kills, chain {number}, {time.monotonic() - begun:.0f} s"
                print(f"{so_far}: {dict(tally.stages)}", flush=True)
            elif well and not aims:
                break
            elif not well:
                raise RuntimeError(f"the chain gives up; see {chain.root}/results/runs")
        _check(chain)
        if (found := ends_of(chain.root)) != wanted:
            raise ValueError(f"{chain.root}: {_difference(wanted, found)}")
        tally.finished += 1
        shutil.rmtree(chain.root)
    return tally


def _check(chain: Chain) -> None:
    """Raises where a finished chain left a process, or `verify` finds anything."""
    from mrcl_bench.verify import verify

    if left := chain.workers():
        raise RuntimeError(f"processes are left: {left}")
    if problems := verify(chain.root / "results").problems:
        raise RuntimeError(f"{chain.root}: {problems}")


def _difference(wanted: Any, found: Any, where: str = "") -> str:
    """Names the first entry that differs."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for key in sorted({*wanted, *found}):
            if key not in wanted or key not in found:
                return f"{where} {key}: {'lost' if key in wanted else 'too much'}"
            if wanted[key] != found[key]:
                return _difference(wanted[key], found[key], f"{where} {key}")
    return f"{where}: {str(found)[:200]} instead of {str(wanted)[:200]}"


def main() -> None:
    """Parses the command line and prints what happened."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])  # type: ignore[union-attr]
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=3000.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--protocols", nargs="+", choices=PROTOCOLS, default=PROTOCOLS)
    options = parser.parse_args()
    given = (options.kills, options.seconds, options.seed, options.protocols)
    with tempfile.TemporaryDirectory() as folder:
        tally = chaos(Path(folder), *given)
    print(
        f"{tally.kills} kills (who: {dict(tally.victims)}; in: {dict(tally.stages)}), "
        f"{tally.finished} chains finished: 0 lost, 0 doubled, 0 unreadable"
    )


if __name__ == "__main__":
    main()
