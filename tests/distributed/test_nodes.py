"""Two machines without a queue, played by two of torchrun's agents on this one, over gloo."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mmpretrain")

from mrcl_bench.engine.layout import free_port  # noqa: E402
from mrcl_bench.errors import EXIT_USAGE  # noqa: E402
from mrcl_bench.record import Batch, find_records, read_record  # noqa: E402
from mrcl_bench.workspace import Workspace  # noqa: E402

from ..conftest import MICRO_CONFIGS, command_environment  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_what_the_command_says_to_type_on_every_node_does_the_work(
    micro_root: Path, tmp_path: Path
) -> None:
    environment = command_environment(tmp_path, micro_root, OMP_NUM_THREADS="1")
    command = [
        *(sys.executable, "-m", "mrcl_bench.cli.main", "run", "-p", "micro", "-r", "mrcl"),
        *("--configs", str(MICRO_CONFIGS), "--protocol", "finetune"),
        *("--launcher", "pytorch", "--gpus", "1", "--nodes", "2"),
    ]
    asked = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert asked.returncode == EXIT_USAGE, asked.stderr
    lines = [line for line in asked.stderr.splitlines() if line.startswith("python -m torch")]
    assert len(lines) == 2
    for line in lines:
        typed = line.replace("HOST:29500", f"localhost:{free_port()}").split()
        nodes = [
            subprocess.Popen(
                [sys.executable, *typed[1:]],
                env=environment,
                cwd=tmp_path,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for _ in range(2)
        ]
        said = [node.communicate(timeout=400)[0][-3000:] for node in nodes]
        assert [node.returncode for node in nodes] == [0, 0], said

    (path,) = find_records(Workspace(tmp_path).records("micro"))
    record = read_record(path)
    assert record.status == "completed"
    together = Batch(named=32, total=32, processes=2)
    assert record.cost.batch == together
    assert record.pretrain_cost is not None
    assert record.pretrain_cost.batch == together
    assert record.command.endswith("--launcher pytorch --gpus 1 --nodes 2 --force")
    again = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert again.returncode == 0, again.stderr
    assert "0 pretrainings and 0 jobs to do, 1 jobs done" in again.stdout
