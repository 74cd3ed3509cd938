"""A worker's state: what it says, who still lives, and that it stops nobody."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from mrcl_bench.engine import state
from mrcl_bench.engine.progress import report
from mrcl_bench.engine.state import NAME, WorkerState, kept, read_state, states

HERE = socket.gethostname()


def _state(**fields: Any) -> WorkerState:
    return WorkerState.model_validate(
        {"title": "t", "pid": os.getpid(), "host": HERE, "started": 0, "updated": 0, **fields}
    )


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "_THROTTLE_SECONDS", 0.02)


def _wait(folder: Path, step: int) -> WorkerState:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        found = read_state(folder)
        if found is not None and found.step == step:
            return found
        time.sleep(0.01)
    raise AssertionError(f"no state of step {step}: {read_state(folder)}")


def test_it_is_there_from_the_start_follows_the_steps_and_goes(tmp_path: Path) -> None:
    begun = time.time()
    with kept(tmp_path, "pretrain Toy"):
        first = read_state(tmp_path)
        assert first is not None
        assert (first.title, first.pid, first.host) == ("pretrain Toy", os.getpid(), HERE)
        assert (first.step, first.total, first.eta_seconds) == (0, 0, None)
        assert begun <= first.started <= first.updated <= time.time()
        assert first.lives()
        report(1, 8, "steps")
        report(2, 8, "steps")
        later = _wait(tmp_path, 2)
        assert (later.total, later.what, later.first_step) == (8, "steps", 1)
        assert later.updated >= later.stepped >= later.first_at >= begun
        report(3, 5, "other steps")
        assert _wait(tmp_path, 3).first_step == 3
    assert list(tmp_path.iterdir()) == []
    report(4, 8, "steps")
    assert list(tmp_path.iterdir()) == []


def test_what_is_left_is_told_from_the_steps_of_this_start() -> None:
    # resumed at step 90: ten seconds for ten steps
    one = _state(step=100, total=150, first_step=90, first_at=1000, stepped=1010, updated=1013)
    assert one.eta_seconds == 50
    assert _state(step=90, total=150, first_step=90).eta_seconds is None
    assert _state(step=5, total=0).eta_seconds is None


def test_it_goes_when_the_work_fails(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        with kept(tmp_path, "t"):
            raise RuntimeError
    assert read_state(tmp_path) is None


def test_it_beats_without_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "BEAT_SECONDS", 0.05)
    with kept(tmp_path, "t"):
        first = read_state(tmp_path)
        assert first is not None
        deadline = time.monotonic() + 10
        while (now := read_state(tmp_path)) is None or now.updated == first.updated:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert now.stepped == first.stepped


def test_a_folder_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    with kept(tmp_path / "is not there", "t"):
        report(1, 2, "steps")
        time.sleep(0.1)
    assert list(tmp_path.iterdir()) == []


def test_a_dead_worker_does_not_live(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, sys; from mrcl_bench.engine.state import kept\n"
        "with kept(pathlib.Path(sys.argv[1]), 't'): os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert done.returncode == -9
    left = read_state(tmp_path)
    assert left is not None
    assert left.pid != os.getpid()
    assert not left.lives()


def test_a_process_id_that_is_anothers_by_now_does_not_count() -> None:
    born = state._born(os.getpid())
    assert born
    assert _state(born=born).lives()
    assert not _state(born=born - 1).lives()


def test_another_machines_worker_lives_while_it_says_so() -> None:
    there = {"host": HERE + "-not", "pid": 2**22 + 1}
    assert _state(**there, updated=time.time() - 30).lives()
    assert not _state(**there, updated=time.time() - 1000).lives()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "x"}', "\x00"])
def test_what_is_no_state_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / NAME).write_text(text)
    assert read_state(tmp_path) is None


def test_all_of_a_profile_are_found(tmp_path: Path) -> None:
    wanted = ["pretrain/micro/r", "jobs/micro/r/probes", "jobs/micro/r/tune/seed0"]
    for name in [*wanted, "pretrain/tiny/r", "jobs/micro/r/tune/seed0/deeper"]:
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / NAME).write_text(_state(title=name).model_dump_json())
    found = [
        (str(path.relative_to(tmp_path)), one.title) for path, one in states(tmp_path, "micro")
    ]
    assert found == [(name, name) for name in wanted]
