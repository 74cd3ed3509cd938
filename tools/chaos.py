"""Kills a small matrix with SIGKILL at random moments and goes on, until it is done; then again.

    python -m tools.chaos --kills 50 --seconds 3000

Either the command or one of its workers dies. After each kill every published file must load; each
finished matrix must have the records of an undisturbed one: the same files, metrics equal to the
bit, and weights of the same sha256. Exit code 0 if all of that held.
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
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONFIGS = Path(__file__).resolve().parent.parent / "tests/mm_configs"
MATRIX = ("--recipe", "simclr", "--recipe", "random", "--protocol", "knn", "--protocol", "finetune")


@dataclass
class Tally:
    """What happened."""

    kills: int = 0
    of_commands: int = 0
    finished: int = 0


def ends_of(root: Path) -> dict[str, Any]:
    """What the records of a workspace say, and the weights that its checkpoints hold.

    Raises:
        Exception: A published file does not load, or is not what its manifest says.
    """
    from mrcl_bench.checkpoint import load_state_dict, state_dict_sha256
    from mrcl_bench.convert.manifest import read_manifest
    from mrcl_bench.record import find_records, read_record
    from mrcl_bench.workspace import Workspace

    workspace = Workspace(root)
    ends: dict[str, Any] = {}
    for manifest in sorted((workspace.root / "checkpoints").rglob("manifest.json")):
        said = read_manifest(manifest.parent).weights_sha256
        found = state_dict_sha256(load_state_dict(manifest.parent / "backbone.pth"))
        if said != found:
            raise ValueError(f"{manifest} says {said}, the weights are {found}")
        ends[str(manifest.parent.relative_to(root))] = found
    for path in find_records(workspace.results):
        record = read_record(path)
        source = record.checkpoint.sha256 if record.checkpoint else None
        ends[str(path.relative_to(root))] = (record.status, record.metrics, source)
    return ends


def start(root: Path, data: Path, matrix: Sequence[str]) -> subprocess.Popen[bytes]:
    """Starts the one command that begins a matrix and goes on with it."""
    return subprocess.Popen(
        [sys.executable, "-m", "mrcl_bench.cli.main", "run", "--profile", "micro",
         "--configs", str(CONFIGS), "--jobs", "1", *matrix],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "MRCL_BENCH_ROOT": str(root), "MRCL_BENCH_DATA": str(data)},
    )  # fmt: skip


def chaos(
    folder: Path, kills: int, seconds: float, seed: int, matrix: Sequence[str] = MATRIX
) -> Tally:
    """Runs the matrix undisturbed, then as often as it takes to kill it that many times.

    Args:
        folder: An empty folder.
        kills: How many times.
        seconds: No new kill after that long.
        seed: Of the moments and the victims.
        matrix: Options of ``run``.

    Raises:
        Exception: Something was lost, doubled, unreadable or another.
    """
    from mrcl_bench.data.auto import make

    data = folder / "data"
    make(data / "stamps-micro", source="shapes", micro=True)
    begun = time.monotonic()
    if start(folder / "whole", data, matrix).wait() != 0:
        raise RuntimeError("the undisturbed matrix failed")
    length = time.monotonic() - begun
    wanted = ends_of(folder / "whole")
    draw, tally, number = random.Random(seed), Tally(), 0
    while tally.kills < kills and time.monotonic() - begun < seconds:
        root = folder / f"run{number}"
        number += 1
        while True:
            spare = tally.kills < kills and time.monotonic() - begun < seconds
            command = start(root, data, matrix)
            try:
                code = command.wait(draw.uniform(0, length) if spare else None)
            except subprocess.TimeoutExpired:
                workers = _children(command.pid)
                tally.kills += 1
                if workers and draw.random() < 0.5:
                    _kill(draw.choice(workers))
                    command.wait()
                else:
                    tally.of_commands += 1
                    _kill(command.pid)
                    command.wait()
                ends_of(root)  # all of it loads
                print(f"{tally.kills} kills, matrix {number}", flush=True)
                continue
            if code == 0:
                break
            if not spare:
                raise RuntimeError(f"the command gives up with {code}; see {root}/results/runs")
        if (found := ends_of(root)) != wanted:
            raise ValueError(f"{root}: {_difference(wanted, found)}")
        tally.finished += 1
    return tally


def _children(pid: int) -> list[int]:
    try:
        return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # it was quicker


def _difference(wanted: dict[str, Any], found: dict[str, Any]) -> str:
    keys = [key for key in sorted({*wanted, *found}) if wanted.get(key) != found.get(key)]
    return "; ".join(f"{key}: {found.get(key)} instead of {wanted.get(key)}" for key in keys)


def main() -> None:
    """Parses the command line and prints what happened."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])  # type: ignore[union-attr]
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=3000.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tally = chaos(Path(folder), options.kills, options.seconds, options.seed)
    print(
        f"{tally.kills} kills ({tally.of_commands} of the command, the others of a worker), "
        f"{tally.finished} matrices finished: 0 lost, 0 doubled, 0 unreadable"
    )


if __name__ == "__main__":
    main()
