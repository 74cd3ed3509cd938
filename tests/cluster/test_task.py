"""What a node does when its worker has ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any

import pytest
from rich.console import Console

from mrcl_bench.atomic import write_json
from mrcl_bench.cluster import task as module
from mrcl_bench.cluster.ledger import Entry, Ledger
from mrcl_bench.cluster.settings import Cluster
from mrcl_bench.cluster.submit import SlurmRunner
from mrcl_bench.cluster.task import Task
from mrcl_bench.engine.stop import SIGNALS
from mrcl_bench.errors import EXIT_RESUMABLE
from mrcl_bench.pretrain import status_path
from mrcl_bench.record import find_records

from ..toy import Toy
from .fake_slurm import FakeSlurm

pytest.importorskip("mmengine")

_POPEN = subprocess.Popen


class Node:
    """A node whose worker ends as the test says."""

    def __init__(self, toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
        SlurmRunner(toy.planner, Console(quiet=True), Cluster()).run(toy.plan())
        self.toy = toy
        self.ledger = Ledger(toy.workspace, "micro")
        self.requeued: list[str] = []
        self.state = "RUNNING"
        self.patch = monkeypatch
        for name in ("SLURM_ARRAY_JOB_ID", "SLURM_PROCID", "SLURM_RESTART_COUNT"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("SLURM_JOB_ID", "7")
        monkeypatch.setattr(module, "requeue", self.requeued.append)
        monkeypatch.setattr(module, "state_of", lambda slurm: self.state)
        monkeypatch.setattr(module, "_PATIENCE_SECONDS", 0.0)

    def entry(self, cover: str) -> Entry:
        """What was submitted for it."""
        return next(entry for entry in self.ledger.read() if cover in entry.covers)

    def run(self, cover: str, code: int | str, requeues: int = 5) -> int:
        """Runs its task; the worker exits with a code, or is some Python.

        Returns:
            The task's exit code.
        """
        entry = self.entry(cover)
        folder = self.toy.workspace.runs / entry.folder
        task = Task(entry.key, str(self.ledger.request_file(entry)), str(folder), requeues=requeues)
        what = code if isinstance(code, str) else f"raise SystemExit({code})"

        def start(command: list[str], **options: Any) -> Any:
            return _POPEN([sys.executable, "-c", what, command[-1]], **options)

        self.patch.setattr(module.subprocess, "Popen", start)
        before = {number: signal.getsignal(number) for number in SIGNALS}
        try:
            task()
        except SystemExit as ended:
            return int(ended.code or 0)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        return 0


@pytest.fixture
def node(toy: Toy, fake: FakeSlurm, monkeypatch: pytest.MonkeyPatch) -> Node:
    return Node(toy, monkeypatch)


def _failed(toy: Toy) -> dict[str, str]:
    found = {}
    for path in find_records(toy.workspace.records("micro")):
        recipe, protocol = path.parent.parent.name, path.parent.name
        failure = toy.read(recipe, protocol, int(path.stem[4:])).failure
        assert failure is not None
        found[f"{recipe}/{protocol}/{path.stem}"] = f"{failure.kind}: {failure.message}"
    return found


def test_a_worker_that_did_its_work(node: Node) -> None:
    assert node.run("mine", 0) == 0
    assert (node.toy.workspace.runs / "pretrain/micro/mine/request.json").exists()


def test_a_failed_job_leaves_its_record(node: Node) -> None:
    assert node.run("mine/tune/seed1", "print('no such thing'); raise SystemExit(1)") == 1
    assert _failed(node.toy) == {"mine/tune/seed1": "error: exit code 1: no such thing"}


def test_a_killed_worker_leaves_its_record(node: Node) -> None:
    code = node.run("mine/tune/seed1", "import os; os.kill(os.getpid(), 9)")
    assert code == 137
    assert _failed(node.toy)["mine/tune/seed1"].startswith("memory: the worker was killed")


def test_a_failed_pretraining_leaves_records_of_what_waits_for_it(node: Node) -> None:
    failure = status_path(node.toy.workspace, "micro", "mine")
    failure.parent.mkdir(parents=True)
    write_json(failure, {"kind": "error", "message": "of last week"})
    said = {"kind": "diverged", "message": "loss is nan"}
    code = f"import json; json.dump({said!r}, open({str(failure)!r}, 'w'))"
    assert node.run("mine", f"{code}; raise SystemExit(1)") == 1
    waiting = [f"mine/{p}/seed{s}" for p in ("probe", "tune") for s in (0, 1)]
    assert _failed(node.toy) == dict.fromkeys(waiting, "diverged: loss is nan")


def test_an_old_failure_explains_nothing(node: Node) -> None:
    failure = status_path(node.toy.workspace, "micro", "mine")
    failure.parent.mkdir(parents=True)
    write_json(failure, {"kind": "error", "message": "of last week"})
    node.run("mine", "raise SystemExit(1)")
    assert not any("of last week" in why for why in _failed(node.toy).values())


def test_a_stopped_worker_goes_back_into_the_queue(node: Node) -> None:
    assert node.run("mine", EXIT_RESUMABLE) == EXIT_RESUMABLE
    assert node.requeued == ["7"]
    assert _failed(node.toy) == {}


@pytest.mark.parametrize("state", ["COMPLETING", "CANCELLED", "PENDING", ""])
def test_what_slurm_ends_itself_is_left_to_it(node: Node, state: str) -> None:
    node.state = state
    assert node.run("mine", EXIT_RESUMABLE) == EXIT_RESUMABLE
    assert node.requeued == []
    assert _failed(node.toy) == {}


def test_it_does_not_go_round_for_ever(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_RESTART_COUNT", "5")
    assert node.run("mine", EXIT_RESUMABLE, requeues=5) == EXIT_RESUMABLE
    assert node.requeued == []


def test_a_signal_before_the_worker_listens_is_no_failure(node: Node) -> None:
    code = "import os, signal; os.kill(os.getppid(), 10); os.kill(os.getpid(), 10); signal.pause()"
    assert node.run("mine/tune/seed1", code) == EXIT_RESUMABLE
    assert node.requeued == ["7"]
    assert _failed(node.toy) == {}


def test_a_signal_before_the_worker_is_started(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker, which would not hear of it, is not started at all."""
    real = module.Unit

    def told(*arguments: Any, **options: Any) -> Any:
        os.kill(os.getpid(), signal.SIGUSR1)
        return real(*arguments, **options)

    monkeypatch.setattr(module, "Unit", told)
    assert node.run("mine/tune/seed1", 0) == EXIT_RESUMABLE
    assert node.requeued == ["7"]
    assert list(node.toy.workspace.runs.rglob("log.txt")) == []


def test_a_log_goes_on_after_an_interruption(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    node.run("mine", "print('one'); raise SystemExit(130)")
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    node.run("mine", "print('two')")
    log = node.toy.workspace.runs / "pretrain/micro/mine/log.txt"
    assert log.read_text() == "one\ntwo\n"


def test_a_failure_on_another_node_is_no_interruption(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """srun stops the first process, which has saved nothing, when a further one has failed."""
    monkeypatch.setenv("SLURM_PROCID", "1")
    assert node.run("mine/tune/seed1", 1) == 1
    assert _failed(node.toy) == {}  # one process writes
    monkeypatch.setenv("SLURM_PROCID", "0")
    assert node.run("mine/tune/seed1", EXIT_RESUMABLE) == 1
    assert node.requeued == []
    why = _failed(node.toy)["mine/tune/seed1"]
    assert why == "error: exit code 1: process 1 failed with exit code 1: see log-1.txt"
    assert node.run("mine/tune/seed1", EXIT_RESUMABLE) == EXIT_RESUMABLE  # that was then
    assert node.requeued == ["7"]
