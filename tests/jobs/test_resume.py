"""Jobs that were interrupted go on, and end as if nothing had been."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("mmpretrain")

from mrcl_bench.catalog import Catalog, read_bench_block  # noqa: E402
from mrcl_bench.engine import runtime  # noqa: E402
from mrcl_bench.engine.checkpoints import (  # noqa: E402
    PacedCheckpointHook,
    SafeCheckpointHook,
    training_checkpoints,
)
from mrcl_bench.engine.stop import STOP  # noqa: E402
from mrcl_bench.jobs import evaluate  # noqa: E402
from mrcl_bench.record import read_record  # noqa: E402
from mrcl_bench.rehearsal.reduce import Rehearsal  # noqa: E402
from mrcl_bench.workspace import Workspace  # noqa: E402

from ..conftest import MICRO_CONFIGS  # noqa: E402
from .conftest import RANDOM, Bench  # noqa: E402


class Steps:
    """Sees each training step of a job, and does something after one of them."""

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.at: int | None = None
        self.act: Callable[[], None] = _signalled

    def __call__(self, hook: Any, runner: Any, *rest: Any, **more: Any) -> None:
        self.seen.append(runner.iter + 1)
        if runner.iter + 1 == self.at:
            self.at = None
            self.act()


def _signalled() -> None:
    STOP._handle(15, None)


def _killed() -> None:
    raise KeyboardInterrupt


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    monkeypatch.setattr(STOP, "requested", False)
    made = Steps()
    monkeypatch.setattr(
        runtime.ProgressHook, "after_train_iter", lambda *given, **more: made(*given, **more)
    )
    return made


def _interrupt(bench: Bench, steps: Steps, protocol: str, at: int, act: Callable[[], None]) -> Path:
    """Runs a job until a step; returns its folder."""
    steps.at, steps.act = at, act
    with pytest.raises(KeyboardInterrupt):
        bench.run(protocol)
    STOP.requested = False
    steps.seen.clear()
    (job,) = bench.request(protocol).jobs
    return evaluate.work_dir_of(bench.workspace, job)


@pytest.mark.parametrize(
    ("protocol", "at"), [("finetune", 2), ("linear-sgd", 5), ("mask-rcnn", 2), ("upernet", 3)]
)
def test_a_signal_saves_after_the_step_and_the_job_ends_the_same(
    bench: Bench, apart: Bench, steps: Steps, protocol: str, at: int
) -> None:
    (whole,) = apart.run(protocol)
    assert whole.status == "completed", whole.failure
    count = len(steps.seen)
    folder = _interrupt(bench, steps, protocol, at, _signalled)
    assert len(training_checkpoints(folder)) == 1  # none of these configs has a checkpoint hook
    assert not list(bench.workspace.results.glob("records/**/*.json"))
    (record,) = bench.run(protocol)
    assert steps.seen == list(range(at + 1, count + 1))
    assert record.status == "completed", record.failure
    assert record.metrics == whole.metrics  # to the bit
    assert record.choices == whole.choices
    ours, theirs = bench.arrays(record), apart.arrays(whole)
    assert ours.keys() == theirs.keys()
    for name, values in ours.items():
        np.testing.assert_array_equal(values, theirs[name])
    assert record.resumed == whole.resumed == []
    assert record.cost.images_seen == whole.cost.images_seen
    assert not list(folder.glob("*.pth*")) and not (folder / "last_checkpoint").exists()


def test_after_a_kill_a_job_goes_on_from_what_it_saved_on_the_way(
    bench: Bench, apart: Bench, steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    (whole,) = apart.run("linear-sgd")
    monkeypatch.setattr(PacedCheckpointHook, "first_seconds", 0.0)
    monkeypatch.setattr(PacedCheckpointHook, "share", 1e9)  # after every step
    folder = _interrupt(bench, steps, "linear-sgd", 9, _killed)
    assert len(training_checkpoints(folder)) == 2
    (record,) = bench.run("linear-sgd")
    assert steps.seen[0] in (9, 10)  # the ninth was saved, or the hook of the test came first
    assert (record.metrics, record.choices) == (whole.metrics, whole.choices)


def test_another_seed_or_other_weights_begin_anew(bench: Bench, steps: Steps) -> None:
    _interrupt(bench, steps, "finetune", 2, _signalled)
    bench.change_weights(lambda weights: {k: v + (k == "cls_token") for k, v in weights.items()})
    (record,) = bench.run("finetune")
    assert record.status == "completed", record.failure
    assert steps.seen[0] == 1


def test_a_job_whose_pictures_are_loaded_by_processes_says_that_it_was_resumed(
    micro_workspace: Workspace, untrained: Path, tmp_path: Path, steps: Steps
) -> None:
    configs = tmp_path / "configs"
    configs.mkdir()
    changes = {"finetune": "train_dataloader = dict(num_workers=1)\n", RANDOM: ""}
    for name, change in changes.items():
        (base,) = MICRO_CONFIGS.rglob(f"*{name}*.py")
        block = read_bench_block(base)
        text = f"_base_ = [{str(base)!r}]\nbench = {block!r}\n{change}"
        (configs / base.name).write_text(text)
    bench = Bench(micro_workspace, Catalog(configs))
    shutil.copytree(untrained, bench.folder)
    _interrupt(bench, steps, "finetune", 2, _signalled)
    (record,) = bench.run("finetune")
    assert record.status == "completed", record.failure
    assert steps.seen == [3]
    assert record.resumed == [2]
    assert record.cost.images_seen == 96


def test_a_rehearsal_saves_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[object] = []
    monkeypatch.setattr(
        SafeCheckpointHook, "_save_checkpoint_with_step", lambda *given: saved.append(given)
    )
    monkeypatch.setattr(PacedCheckpointHook, "first_seconds", 0.0)
    request = bench.request("finetune")
    assert evaluate.run_evaluation(request)
    assert saved
    saved.clear()
    assert evaluate.run_evaluation(request.model_copy(update={"rehearsal": Rehearsal()}))
    assert not saved


def test_a_failed_job_goes_on_where_it_failed(bench: Bench, steps: Steps) -> None:
    """The memory that another process took is free again; what was trained is not lost."""
    _interrupt(bench, steps, "finetune", 2, _signalled)

    def fail() -> None:
        raise MemoryError

    steps.at, steps.act = 3, fail
    (record,) = bench.run("finetune")
    assert record.failure is not None and record.failure.kind == "memory"
    steps.seen.clear()
    (record,) = bench.run("finetune")
    assert record.status == "completed", record.failure
    assert steps.seen == [3]


def test_a_finished_job_is_made_anew_when_asked(
    bench: Bench, steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if it was killed between its record and the deletion of its training checkpoints."""
    folder = _interrupt(bench, steps, "finetune", 2, _signalled)
    with monkeypatch.context() as patch:
        patch.setattr("mrcl_bench.engine.checkpoints.forget", lambda folder: _killed())
        with pytest.raises(KeyboardInterrupt):
            bench.run("finetune")
    (job,) = bench.request("finetune").jobs
    path = bench.workspace.record_path("micro", RANDOM, job.protocol.name, 0)
    first = read_record(path)
    assert first.status == "completed"
    assert training_checkpoints(folder)

    _interrupt(bench, steps, "finetune", 2, _signalled)  # forced, and interrupted
    assert training_checkpoints(folder)
    (record,) = bench.run("finetune")
    assert steps.seen == [3]
    assert record.metrics == first.metrics
