"""What Slurm says of jobs, and what ``status``, ``logs`` and ``cancel`` make of it."""

from __future__ import annotations

from typing import Any

import pytest
from rich.console import Console

from mrcl_bench.cluster.find import entries_of, logs_of
from mrcl_bench.cluster.ledger import Entry, Ledger
from mrcl_bench.cluster.queue import places
from mrcl_bench.cluster.settings import Cluster
from mrcl_bench.cluster.submit import SlurmRunner
from mrcl_bench.cluster.view import rows
from mrcl_bench.errors import BenchError

from ..conftest import Cli
from ..toy import Toy
from .fake_slurm import FakeSlurm


@pytest.fixture
def ledger(toy: Toy, fake: FakeSlurm) -> Ledger:
    """The ledger after the whole toy matrix was submitted."""
    SlurmRunner(toy.planner, Console(quiet=True), Cluster()).run(toy.plan())
    return Ledger(toy.workspace, "micro")


def _entry(ledger: Ledger, cover: str) -> Entry:
    return next(entry for entry in ledger.read() if cover in entry.covers)


def _put(fake: FakeSlurm, entry: Entry, state: str, reason: str = "None") -> None:
    assert entry.slurm is not None
    fake.put(entry.slurm, state, reason)


def test_places_are_found_by_id(ledger: Ledger, fake: FakeSlurm) -> None:
    entry = _entry(ledger, "theirs")
    _put(fake, entry, "RUNNING")
    found = places(ledger.read())
    assert len(found) == len(ledger.read())
    assert found[entry.key].state == "RUNNING"
    assert not found[entry.key].waits
    assert found[_entry(ledger, "mine").key].waits


@pytest.mark.parametrize(
    ("state", "over"),
    [("COMPLETED", True), ("CANCELLED", True), ("OUT_OF_MEMORY", True), ("NODE_FAIL", True),
     ("PREEMPTED", False), ("REQUEUED", False), ("COMPLETING", False), ("CONFIGURING", False)],
)  # fmt: skip
def test_what_may_come_back_is_not_over(
    ledger: Ledger, fake: FakeSlurm, state: str, over: bool
) -> None:
    entry = _entry(ledger, "mine")
    _put(fake, entry, state)
    assert places([entry])[entry.key].over is over


def test_rows_tell_running_from_waiting_from_lost(
    toy: Toy, ledger: Ledger, fake: FakeSlurm
) -> None:
    _put(fake, _entry(ledger, "mine"), "RUNNING")
    _put(fake, _entry(ledger, "theirs"), "TIMEOUT")
    for seed in (0, 1):
        _put(fake, _entry(ledger, f"mine/tune/seed{seed}"), "PENDING", "Dependency")
        _put(fake, _entry(ledger, f"theirs/tune/seed{seed}"), "CANCELLED")
        _put(fake, _entry(ledger, f"mine/probe/seed{seed}"), "PENDING", "Resources")
        _put(fake, _entry(ledger, f"theirs/probe/seed{seed}"), "COMPLETED")
    toy.record("theirs", "tune", 0)
    toy.record("theirs", "probe", 0)
    toy.record("theirs", "probe", 1)
    assert rows(toy.workspace, "micro") == [
        ("pretrain mine", "1", "running", "job 101_0"),
        ("mine: probe, 2 seeds", "1", "queued", "Resources"),
        ("train", "2", "queued", "waits for its pretraining"),
        ("pretrain theirs", "1", "ended", "Slurm says TIMEOUT; the same command submits it again"),
        ("theirs: tune, seed 1", "1", "ended",
         "Slurm says CANCELLED; the same command submits it again"),
    ]  # fmt: skip


def test_rows_say_that_nobody_knows(toy: Toy, ledger: Ledger, fake: FakeSlurm) -> None:
    fake.touch("down")
    ((what, _, state, why),) = rows(toy.workspace, "micro")
    assert (what, state) == ("Slurm's queue", "unknown")
    assert "Unable to contact" in why


def test_no_rows_where_nothing_was_submitted(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert rows(toy.workspace, "micro") == []


@pytest.mark.parametrize(
    ("words", "count"),
    [(["mine"], 4), (["mine/tune"], 2), (["mine/tune/seed1"], 1), (["101"], 2), (["101_1"], 1),
     (["mine/tune/seed1", "mine/tune"], 2)],
)  # fmt: skip
def test_words_mean_entries(ledger: Ledger, words: list[str], count: int) -> None:
    assert len(entries_of(words, ledger)) == count


def test_a_part_of_a_name_is_not_the_name(ledger: Ledger) -> None:
    with pytest.raises(BenchError, match=r"Did you mean mine/tune/seed1"):
        entries_of(["mine/tune/seed"], ledger)


def test_logs_are_found_by_name_and_number(toy: Toy, ledger: Ledger) -> None:
    runs = toy.workspace.runs
    entry = _entry(ledger, "mine/tune/seed1")
    folder = runs / entry.folder
    folder.mkdir(parents=True)
    (folder / "log.txt").write_text("worker")
    said = ledger.folder / entry.array / f"{entry.slurm}_0_log.err"
    said.write_text("node")
    (said.with_suffix(".out")).write_text("")  # says nothing
    wanted = [folder / "log.txt", said]
    assert entry.slurm is not None
    for word in ("mine/tune/seed1", entry.slurm):
        assert logs_of(word, toy.workspace, "micro") == wanted
    with pytest.raises(BenchError, match="means several jobs"):
        logs_of("mine/tune", toy.workspace, "micro")
    with pytest.raises(BenchError, match="has no log yet"):
        logs_of("theirs", toy.workspace, "micro")
    with pytest.raises(BenchError, match="unknown job"):
        logs_of("nobody", toy.workspace, "micro")


def test_logs_of_local_runs_are_found(toy: Toy, cli: Cli) -> None:
    log = toy.workspace.runs / "jobs/micro/mine/probes/log.txt"
    log.parent.mkdir(parents=True)
    log.write_text("".join(f"line {number}\n" for number in range(50)))
    done = cli("logs", "mine/probes", "-p", "micro", "-n", "2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"==> {log} <==", "line 48", "line 49"]
    assert cli("logs", "mine/probes", "-p", "micro", "--path").stdout == f"{log}\n"


def test_cancel_takes_only_what_is_in_the_queue(
    toy: Toy, ledger: Ledger, fake: FakeSlurm, cli: Cli
) -> None:
    _put(fake, _entry(ledger, "mine/tune/seed0"), "COMPLETED")
    done = cli("cancel", "mine/tune", "-p", "micro")
    assert done.returncode == 0, done.stderr
    other = _entry(ledger, "mine/tune/seed1")
    assert (fake.folder / "cancelled").read_text().split() == [other.slurm]
    assert done.stdout == f"cancelled {other.slurm}: mine: tune, seed 1\n"


@pytest.mark.parametrize("arguments", [(), ("mine", "--all")])
def test_cancel_wants_names_or_all(cli: Cli, arguments: Any) -> None:
    done = cli("cancel", "-p", "micro", *arguments)
    assert done.returncode == 2
    assert "Name jobs, or say --all" in done.stderr
