"""What ``mrcl-bench status`` says of workers and failures."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from mrcl_bench.atomic import write_json, write_text
from mrcl_bench.engine.state import NAME, WorkerState, _born
from mrcl_bench.pretrain import status_path
from mrcl_bench.record import write_record
from mrcl_bench.underway import at_work, duration, failures

from .toy import Toy

pytest.importorskip("mmengine")
HERE = f"pid {os.getpid()} on {socket.gethostname()}"


def _working(toy: Toy, folder: str, **fields: Any) -> None:
    state = WorkerState.model_validate(
        {
            "title": folder,
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "born": _born(os.getpid()),
            "started": 0,
            "updated": time.time(),
            **fields,
        }
    )
    write_text(toy.workspace.runs / folder / NAME, state.model_dump_json())


def _failed(toy: Toy, seed: int, message: str) -> None:
    path = toy.record("mine", "tune", seed)
    record = toy.read("mine", "tune", seed)
    write_record(
        path,
        record.model_validate(
            {
                **record.model_dump(),
                "status": "failed",
                "metrics": {},
                "failure": {"kind": "diverged", "message": message},
            }
        ),
    )


def test_workers(toy: Toy) -> None:
    now = time.time()
    _working(
        toy, "pretrain/micro/mine", what="steps", step=30, total=50, first_step=10,
        first_at=now - 40, stepped=now,
    )  # fmt: skip
    _working(
        toy, "pretrain/micro/theirs", title="again", what="again", step=3, total=9, born=1,
        stepped=now,
    )  # fmt: skip
    _working(toy, "jobs/micro/mine/probes")
    _working(
        toy, "jobs/micro/mine/tune/seed0", what="steps", step=3, total=9, first_step=3,
        stepped=now - 7200,
    )  # fmt: skip
    assert list(at_work(toy.workspace, "micro")) == [
        ("pretrain/micro/mine", "steps 30/50", "40 s", HERE),
        ("again", "died at 3/9", "", HERE),
        ("jobs/micro/mine/probes", "starting", "", HERE),
        ("jobs/micro/mine/tune/seed0", "steps 3/9, none for 2 h 0 min", "", HERE),
    ]


def test_failures(toy: Toy) -> None:
    toy.finish()
    _failed(toy, 0, "loss is nan")
    _failed(toy, 1, "loss is nan")
    (toy.workspace.checkpoint_dir("micro", "theirs") / "manifest.json").unlink()
    write_json(
        status_path(toy.workspace, "micro", "theirs"), {"kind": "disk", "message": "it is full"}
    )
    # of a pretraining that is done by now
    write_json(status_path(toy.workspace, "micro", "mine"), {"kind": "disk", "message": "old"})
    assert list(failures(toy.planner, toy.plan())) == [
        ("pretrain theirs", "disk: it is full"),
        ("mine: tune, seed 0, 1", "diverged: loss is nan"),
    ]


def test_the_command_shows_both(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    from mrcl_bench.cli.main import app

    monkeypatch.setenv("MRCL_BENCH_ROOT", str(toy.root))
    monkeypatch.setenv("COLUMNS", "200")
    toy.finish()
    _failed(toy, 1, "[/] is no markup")
    _working(toy, "pretrain/micro/mine", what="steps", step=30, total=50)
    done = CliRunner().invoke(app, ["status", "-p", "micro", "--configs", str(toy.configs)])
    assert done.exit_code == 0, done.output
    assert "steps 30/50" in done.output
    assert "[/] is no markup" in done.output


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (89, "89 s"), (90, "2 min"), (5399, "1 h 30 min"), (187_200, "2 d 4 h")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_nothing_is_under_way_in_an_empty_folder(tmp_path: Path) -> None:
    toy = Toy(tmp_path)
    assert list(at_work(toy.workspace, "micro")) == []
    assert list(failures(toy.planner, toy.plan())) == []
