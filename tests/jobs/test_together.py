"""Jobs that share a process end as those that have one each."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mrcl_bench.engine.launch import worker_environment
from mrcl_bench.record import Record, read_record

from .conftest import RANDOM, Bench


def _worker(bench: Bench, seeds: tuple[int, ...], folder: Path) -> list[Record]:
    request = bench.request("mask-rcnn", seeds=seeds)
    folder.mkdir()
    (folder / "request.json").write_text(request.model_dump_json())
    done = subprocess.run(
        [sys.executable, "-m", "mrcl_bench.engine.worker", str(folder / "request.json")],
        env={**os.environ, **worker_environment(request)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    name = request.jobs[0].protocol.name
    return [read_record(bench.workspace.record_path("micro", RANDOM, name, seed)) for seed in seeds]


@pytest.mark.slow
def test_a_job_after_another_has_the_same_record(
    bench: Bench, apart: Bench, tmp_path: Path
) -> None:
    _, after = _worker(bench, (0, 1), tmp_path / "together")
    (alone,) = _worker(apart, (1,), tmp_path / "alone")
    assert after.status == alone.status == "completed"
    assert after.metrics == alone.metrics
    ours, theirs = bench.arrays(after), apart.arrays(alone)
    assert ours.keys() == theirs.keys()
    for name, values in ours.items():
        np.testing.assert_array_equal(values, theirs[name])
