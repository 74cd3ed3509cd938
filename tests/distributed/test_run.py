"""``mrcl-bench run --launcher pytorch --gpus 2``, for real, on the CPU."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mmpretrain")

from mrcl_bench.errors import EXIT_RESUMABLE  # noqa: E402
from mrcl_bench.record import Batch, find_records, read_record  # noqa: E402
from mrcl_bench.workspace import Workspace  # noqa: E402

from ..conftest import MICRO_CONFIGS, command_environment, manifest_of  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path, micro_root: Path) -> Run:
    """Runs the command on micro MRCL and its fine-tuning."""

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                *(sys.executable, "-m", "mrcl_bench.cli.main", "run", "-p", "micro"),
                *("--configs", str(MICRO_CONFIGS), "-r", "mrcl", "--protocol", "finetune"),
                *arguments,
            ],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=command_environment(tmp_path, micro_root),
            timeout=600,
        )

    return call


def test_two_processes_pretrain_and_judge(run: Run, tmp_path: Path) -> None:
    done = run("--launcher", "pytorch", "--gpus", "2")
    logs = "".join(path.read_text()[-3000:] for path in tmp_path.rglob("log.txt"))
    assert done.returncode == 0, done.stdout + done.stderr + logs
    assert "named total batch 32, kept by 2 x 16" in done.stdout
    (path,) = find_records(Workspace(tmp_path).records("micro"))
    record = read_record(path)
    assert record.status == "completed"
    kept = Batch(named=32, total=32, processes=2)
    assert record.cost.batch == kept
    assert record.pretrain_cost is not None
    assert record.pretrain_cost.batch == kept
    assert record.pretrain_cost.images_seen == 14 * 32
    with np.load(path.with_name("seed0.per_sample.npz")) as arrays:
        accuracy = record.metrics["val/accuracy"]  # of single precision
        assert arrays["val_correct"].mean() == pytest.approx(accuracy, abs=1e-6)

    again = run("--launcher", "pytorch", "--gpus", "2")
    assert again.returncode == 0
    assert "0 pretrainings and 0 jobs to do, 1 jobs done" in again.stdout


def test_a_batch_that_cannot_be_kept_stops_before_anything_starts(run: Run, tmp_path: Path) -> None:
    done = run("--launcher", "pytorch", "--gpus", "3")
    assert done.returncode == 2
    assert "names a total batch of 32" in done.stderr
    assert "--no-keep-batch" in done.stderr
    assert list(tmp_path.rglob("request.json")) == []


def test_a_network_that_freezes_weights_late_trains_in_two_processes(
    micro_root: Path, tmp_path: Path
) -> None:
    """Positions of mmpretrain's MoCo v3 ViT, here under SimCLR, are frozen after the wrapping."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mrcl_bench.cli.main", "pretrain", "-p", "micro"),
            *("--configs", str(MICRO_CONFIGS), "-r", "simclr"),
            *("--launcher", "pytorch", "--gpus", "2"),
        ],
        env=command_environment(tmp_path, micro_root),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (folder,) = (path.parent for path in tmp_path.rglob("backbone.pth"))
    cost = manifest_of(folder).pretrain_cost
    assert cost is not None and cost.batch == Batch(named=32, total=32, processes=2)


def test_an_interrupted_pretraining_goes_on_and_ends_the_same(
    micro_root: Path, tmp_path: Path
) -> None:
    environment = command_environment(tmp_path, micro_root)
    command = [
        *(sys.executable, "-m", "mrcl_bench.cli.main", "pretrain", "-p", "micro", "-r", "mrcl"),
        *("--configs", str(MICRO_CONFIGS), "--launcher", "pytorch", "--gpus", "2"),
    ]
    first = subprocess.Popen(
        command, env=environment, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    runs = Workspace(tmp_path).runs
    deadline = time.monotonic() + 300
    while not list(runs.rglob("last_checkpoint")):
        assert first.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    first.terminate()
    _, said = first.communicate(timeout=60)
    assert first.returncode == EXIT_RESUMABLE, said
    assert list(runs.rglob("iter_*.pth"))
    assert not list(tmp_path.rglob("backbone.pth"))

    done = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=600
    )
    (log,) = runs.rglob("log.txt")
    assert done.returncode == 0, done.stderr + log.read_text()[-3000:]
    step = re.search(r"resumed epoch: 0, iter: (\d+)", log.read_text())
    assert step is not None
    assert 7 <= int(step[1]) < 14
    (folder,) = (path.parent for path in tmp_path.rglob("backbone.pth"))
    cost = manifest_of(folder).pretrain_cost
    assert cost is not None
    assert cost.images_seen == 14 * 32

    whole = tmp_path / "whole"
    subprocess.run(
        command, env={**environment, "MRCL_BENCH_ROOT": str(whole)}, check=True, timeout=600
    )
    (undisturbed,) = (path.parent for path in whole.rglob("backbone.pth"))
    assert manifest_of(folder).weights_sha256 == manifest_of(undisturbed).weights_sha256
