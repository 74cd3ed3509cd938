"""A signal to every process of a job does not take the loaders away from the step under way."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("torch")

ROOT = Path(__file__).resolve().parents[2]
RUN = """
import os, signal, subprocess, sys, time
from torch.utils.data import DataLoader
from mrcl_bench.engine.loaders import spare_loaders

if sys.argv[1] == "spared":
    spare_loaders(float(sys.argv[2]))
    spare_loaders(float(sys.argv[2]))
told = []
signal.signal(signal.SIGTERM, lambda *_: told.append(1))
loader = DataLoader(range(10_000), batch_size=2, num_workers=2, persistent_workers=True)
batches = iter(loader)
next(batches)
pids = [os.getpid(), *(worker.pid for worker in batches._workers)]
subprocess.run(["kill", "-TERM", *map(str, pids)], check=True)  # from outside, as Slurm does
until = time.monotonic() + 1
while time.monotonic() < until:  # the step under way
    sum(range(1000))
for _ in range(20):
    next(batches)
assert told == [1]
print("saved", flush=True)
if sys.argv[2] == "3":
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for worker in batches._workers:
        worker.join(30)
        print(worker.exitcode)
"""


def _run(*arguments: str) -> tuple[subprocess.CompletedProcess[str], float]:
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", RUN, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
    )
    return done, time.monotonic() - begun


def test_torch_alone_breaks_the_step() -> None:
    """If this fails, torch has changed, and `spare_loaders` may no longer be needed."""
    done, _ = _run("plain", "0")
    assert done.returncode != 0
    assert "killed by signal: Terminated" in done.stderr


def test_the_step_ends_and_so_does_the_process() -> None:
    done, seconds = _run("spared", "90")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "saved\n"
    assert seconds < 60  # nothing waits for the loaders' time to be over


def test_loaders_end_after_their_time() -> None:
    done, _ = _run("spared", "3")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "saved\n0\n0\n"
