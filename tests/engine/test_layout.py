"""Launchers, processes and machines: what fits together, and the command lines."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mrcl_bench.engine import layout
from mrcl_bench.engine.layout import (
    PLAIN,
    Layout,
    allocation,
    follow_srun,
    layout_of,
    refuse_sharding,
)
from mrcl_bench.errors import EXIT_USAGE, BenchError

FILE = Path("/r/results/runs/jobs/paper/mine/tune/seed0/request.json")
WORKER = ["-m", "mrcl_bench.engine.worker", str(FILE)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("pytorch", 0), "go together"),
        (("slurm", 0), "go together"),
        (("none", 8), "go together"),
        (("none", 0, 2), "--nodes needs a launcher"),
        (("pytroch", 8), "pytorch"),
    ],
)
def test_what_does_not_fit(arguments: tuple[Any, ...], said: str) -> None:
    with pytest.raises(BenchError) as caught:
        layout_of(*arguments)
    assert said in caught.value.what + caught.value.cure
    assert caught.value.exit_code == EXIT_USAGE


def test_processes_and_options() -> None:
    assert (PLAIN.processes, PLAIN.options, PLAIN.by_srun) == (1, "", False)
    one = layout_of("pytorch", 8)
    assert (one.processes, one.by_srun) == (8, False)
    assert one.options == " --launcher pytorch --gpus 8"
    four = layout_of("pytorch", 8, 4)
    assert (four.processes, four.by_srun) == (32, True)
    assert four.options == " --launcher pytorch --gpus 8 --nodes 4"
    assert layout_of("slurm", 2).by_srun


def test_commands() -> None:
    assert PLAIN.command(FILE) == [sys.executable, "-P", *WORKER]
    assert Layout(launcher="pytorch", gpus=8).command(FILE) == [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=8"),
        *WORKER,
    ]
    srun = ["srun", "--nodes=4", "--ntasks=32", "--ntasks-per-node=8"]
    found = Layout(launcher="slurm", gpus=8, nodes=4).command(FILE)
    assert found[:4] == srun
    assert found[-5:] == [sys.executable, "-P", *WORKER]
    found = Layout(launcher="pytorch", gpus=8, nodes=4).command(FILE, "first:1234")
    assert found[:4] == ["srun", "--nodes=4", "--ntasks=4", "--ntasks-per-node=1"]
    assert found[found.index(sys.executable) :] == [
        *(sys.executable, "-m", "torch.distributed.run", "--nnodes=4", "--nproc-per-node=8"),
        *("--rdzv-backend=c10d", "--rdzv-id=paper-mine-tune-seed0"),
        *("--rdzv-endpoint=first:1234", *WORKER),
    ]


def test_the_first_node_of_an_allocation(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"hostnames": "node3\nnode4\n", "node": "NodeName=node3\n   NodeAddr=10.0.0.3 Port=1\n"}
    asked = []

    def run(command: list[str], **options: Any) -> SimpleNamespace:
        asked.append(command[2:])
        return SimpleNamespace(stdout=said[command[2]])

    monkeypatch.setattr(subprocess, "run", run)
    inside = {"SLURM_JOB_ID": "1", "SLURM_JOB_NODELIST": "node[3-4]"}
    assert allocation(inside) == "10.0.0.3"
    assert asked == [["hostnames", "node[3-4]"], ["node", "node3"]]
    said["node"] = ""
    assert allocation(inside) == "node3"
    said["hostnames"] = ""
    assert allocation(inside) == socket.gethostname()
    assert allocation({}) is None


def test_a_process_of_srun_is_told_what_torchrun_would(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    with pytest.raises(BenchError, match="srun did not start this process"):
        follow_srun()
    monkeypatch.setattr(layout, "allocation", lambda: "first")
    for name, value in (("PROCID", "5"), ("LOCALID", "1"), ("STEP_NUM_TASKS", "8")):
        monkeypatch.setenv(f"SLURM_{name}", value)
    follow_srun()
    assert [os.environ[name] for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE")] == ["5", "1", "8"]
    assert (os.environ["MASTER_ADDR"], os.environ["MASTER_PORT"]) == ("first", "29500")


def test_sharding_is_refused() -> None:
    for wrapper in ("MMFullyShardedDataParallel", "mmengine.MMFullyShardedDataParallel"):
        with pytest.raises(BenchError, match="only DDP works here") as caught:
            refuse_sharding({"model_wrapper_cfg": {"type": wrapper}}, "mine")
        assert caught.value.what.startswith("mine: ")
    refuse_sharding({}, "mine")
    refuse_sharding({"model_wrapper_cfg": {"static_graph": True}}, "mine")
    refuse_sharding({"model_wrapper_cfg": {"type": "MMDistributedDataParallel"}}, "mine")
