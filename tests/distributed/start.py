"""Starts a module of the tests in two processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROCESSES = 2


def torchrun(module: str, *arguments: str | Path, cwd: Path = ROOT, **environment: str) -> str:
    """Runs a module under torchrun on the CPU and returns its output; it must succeed."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *(f"--nproc-per-node={PROCESSES}", "-m", module, *map(str, arguments)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=cwd,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
            "OMP_NUM_THREADS": "1",
            "CUDA_VISIBLE_DEVICES": "",
            **environment,
        },
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return done.stdout
