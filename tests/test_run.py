"""The matrix runner: units, their folders, what a failure leaves behind, the lock."""

from __future__ import annotations

import errno
import json
import sys
from pathlib import Path

import pytest
from filelock import FileLock
from rich.console import Console

from mrcl_bench.atomic import write_json
from mrcl_bench.engine.launch import Unit
from mrcl_bench.engine.layout import PLAIN
from mrcl_bench.engine.manner import Manner
from mrcl_bench.engine.slots import Slot
from mrcl_bench.errors import EXIT_DISK, EXIT_LOCKED, EXIT_MEMORY, EXIT_USAGE, BenchError
from mrcl_bench.pretrain import status_path
from mrcl_bench.run import MatrixRunner, summary

from .toy import Toy

pytest.importorskip("mmengine")


def _runner(toy: Toy, slots: int = 2) -> MatrixRunner:
    return MatrixRunner(toy.planner, Console(quiet=True), slots)


def _fake(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Makes every worker run some Python that finds its request file in argv[1]."""
    monkeypatch.setattr(
        Unit, "command", lambda self, request: [sys.executable, "-c", code, str(request)]
    )


def _run(toy: Toy, **options: object) -> str:
    """Runs all that the plan has and returns the error's message."""
    with pytest.raises(BenchError) as caught:
        _runner(toy).run(toy.plan(**options))
    return caught.value.what


def test_units(toy: Toy) -> None:
    units = _runner(toy)._units(toy.plan(), pretrain_only=False)
    runs = toy.workspace.runs
    shown = [
        (str(unit.folder.relative_to(runs)), len(unit.request.jobs), len(unit.needs))
        for unit in units
    ]
    assert shown == [
        ("pretrain/micro/mine", 0, 0),
        ("pretrain/micro/theirs", 0, 0),
        ("jobs/micro/mine/probes", 2, 1),
        ("jobs/micro/theirs/probes", 2, 1),
        ("jobs/micro/mine/tune/seed0", 1, 1),
        ("jobs/micro/mine/tune/seed1", 1, 1),
        ("jobs/micro/theirs/tune/seed0", 1, 1),
        ("jobs/micro/theirs/tune/seed1", 1, 1),
    ]
    assert units[2].needs == [units[0]]
    assert units[6].needs == [units[1]]


def test_trained_jobs_share_a_process_where_that_is_asked_for(toy: Toy) -> None:
    runner = MatrixRunner(toy.planner, Console(quiet=True), 1, Manner(together=True))
    units = runner._units(toy.plan(recipes=["mine"]), pretrain_only=False)
    shown = [
        (unit.folder.name, [(j.protocol.name, j.seed) for j in unit.request.jobs]) for unit in units
    ]
    assert shown == [
        ("mine", []),
        ("probes", [("probe", 0), ("probe", 1)]),
        ("classification", [("tune", 0), ("tune", 1)]),
    ]
    assert units[2].needs == [units[0]]


def test_kept_checkpoints_come_from_one_pretraining(toy: Toy) -> None:
    toy.edit("mine", 'source="mmpretrain",', 'source="mmpretrain", keep=[0.5, 6],')
    toy.edit("mine", "lr = 0.1)", "lr = 0.1)\ntrain_cfg = dict(max_iters=8)")
    toy.finish()
    assert [step.state for step in toy.plan().pretrainings] == ["done", "done"]
    plan = toy.plan(recipes=["mine"], protocols=["probe"], course=True)
    assert [(step.recipe.name, step.state) for step in plan.pretrainings] == [
        ("mine@4", "todo"), ("mine@6", "todo"), ("mine", "done")
    ]  # fmt: skip
    units = _runner(toy)._units(plan, pretrain_only=False)
    assert [(unit.request.kind, unit.request.recipe.name) for unit in units] == [
        ("pretrain", "mine"), ("evaluate", "mine@4"), ("evaluate", "mine@6")
    ]  # fmt: skip
    assert units[1].needs == units[2].needs == [units[0]]
    assert units[0].request.recipe.keep == (0.5, 6)


def test_a_failed_pretraining_fails_its_kept_checkpoints(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy.edit("mine", 'source="mmpretrain",', 'source="mmpretrain", keep=[0.5],')
    toy.edit("mine", "lr = 0.1)", "lr = 0.1)\ntrain_cfg = dict(max_iters=8)")
    _fake(monkeypatch, "raise SystemExit(1)")
    what = _run(toy, recipes=["mine"], protocols=["probe"], seeds=[0], course=True)
    assert "pretraining failed" in what
    for name in ("mine", "mine@4"):
        record = toy.read(name, "probe", 0)
        assert record.status == "failed"
        assert record.recipe.partway == ("@" in name)


def test_what_is_done_gets_no_unit(toy: Toy) -> None:
    toy.finish()
    toy.workspace.record_path("micro", "mine", "tune", 1).unlink()
    units = _runner(toy)._units(toy.plan(), pretrain_only=False)
    assert [unit.folder.name for unit in units] == ["seed1"]
    assert units[0].needs == []


def test_pretrain_only_makes_every_checkpoint_and_no_job(toy: Toy) -> None:
    units = _runner(toy)._units(toy.plan(), pretrain_only=True)
    assert [unit.request.kind for unit in units] == ["pretrain", "pretrain"]


def test_workers_are_told_what_is_allowed(toy: Toy) -> None:
    for allowed in (False, True):
        runner = MatrixRunner(
            toy.planner, Console(quiet=True), 1, Manner(allow_broken_images=allowed)
        )
        requests = [unit.request for unit in runner._units(toy.plan(), pretrain_only=False)]
        assert {request.allow_broken_images for request in requests} == {allowed}


def test_threads_are_shared_out(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mrcl_bench.run.usable_cores", lambda: list(range(8)))
    monkeypatch.setattr("mrcl_bench.run.visible_gpus", list)
    units = _runner(toy, slots=4)._units(toy.plan(), pretrain_only=False)
    assert {unit.request.threads for unit in units} == {2}
    two = Manner(launcher="pytorch", gpus=2)
    runner = MatrixRunner(toy.planner, Console(quiet=True), 2, two)
    units = runner._units(toy.plan(), pretrain_only=False)
    assert {(u.request.gpus, u.request.threads) for u in units} == {(2, 2), (0, 4)}


def test_what_trains_nothing_is_one_process(toy: Toy) -> None:
    toy.edit("theirs", 'role="method"', 'role="floor"')
    runner = MatrixRunner(toy.planner, Console(quiet=True), 1, Manner(launcher="pytorch", gpus=2))
    alone = [
        str(unit.folder.relative_to(toy.workspace.runs))
        for unit in runner._units(toy.plan(), pretrain_only=False)
        if unit.request.layout == PLAIN
    ]
    assert alone == [
        "pretrain/micro/theirs", "jobs/micro/mine/probes", "jobs/micro/theirs/probes"
    ]  # fmt: skip


def test_several_machines_without_an_allocation(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    _fake(monkeypatch, "raise SystemExit('started')")
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    wanted = Manner(launcher="pytorch", gpus=8, nodes=4)
    runner = MatrixRunner(toy.planner, Console(quiet=True), None, wanted)
    with pytest.raises(BenchError, match="nothing was started") as caught:
        runner.run(toy.plan(recipes=["mine"]))
    assert caught.value.exit_code == EXIT_USAGE
    _, *lines = caught.value.cure.splitlines()
    files = [Path(line.removesuffix("  # on one node").split()[-1]) for line in lines]
    assert [path.parent.name for path in files] == ["mine", "probes", "seed0", "seed1"]
    assert all(path.name == "request.json" and path.exists() for path in files)
    assert ["--nnodes=4 --nproc-per-node=8" in line for line in lines] == [True, False, True, True]

    with pytest.raises(BenchError, match="nothing was started") as caught:
        MatrixRunner(toy.planner, Console(quiet=True), None, Manner(launcher="slurm", gpus=8)).run(
            toy.plan()
        )
    assert "\n" not in caught.value.cure


def test_a_sharded_network_is_refused_before_anything_starts(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    sharded = "model_wrapper_cfg = dict(type='MMFullyShardedDataParallel')"
    toy.edit("mine", "lr = 0.1)", f"lr = 0.1)\n{sharded}")
    _fake(monkeypatch, "raise SystemExit('started')")
    runner = MatrixRunner(toy.planner, Console(quiet=True), 1, Manner(launcher="pytorch", gpus=2))
    with pytest.raises(BenchError, match="only DDP works here"):
        runner.run(toy.plan())
    assert not toy.workspace.runs.exists()


def test_a_job_under_srun_takes_the_whole_allocation(toy: Toy) -> None:
    wanted = Manner(launcher="slurm", gpus=8, nodes=4)
    with pytest.raises(BenchError, match="takes the whole allocation"):
        MatrixRunner(toy.planner, Console(quiet=True), 2, wanted).run(toy.plan())
    assert MatrixRunner(toy.planner, Console(quiet=True), None, wanted).slots == [Slot()]


def test_more_gpus_than_there_are_start_nothing(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mrcl_bench.run.visible_gpus", lambda: ["0", "1"])
    _fake(monkeypatch, "raise SystemExit('started')")
    eight = Manner(launcher="pytorch", gpus=8)
    runner = MatrixRunner(toy.planner, Console(quiet=True), None, eight)
    with pytest.raises(BenchError, match="needs 8 GPUs; there are 2") as caught:
        runner.run(toy.plan())
    assert caught.value.exit_code == EXIT_USAGE
    assert not toy.workspace.runs.exists()


def test_another_worker_at_it_leaves_no_failed_record(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy.finish()
    path = toy.workspace.record_path("micro", "mine", "tune", 0)
    path.unlink()
    _fake(monkeypatch, f"raise SystemExit({EXIT_LOCKED})")
    assert "another worker is at it" in _run(toy)
    assert not path.exists()


def test_the_record_of_a_failed_job_says_how_it_was_started(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy.finish()
    toy.workspace.record_path("micro", "mine", "tune", 0).unlink()
    _fake(monkeypatch, "raise SystemExit(1)")
    wanted = Manner(launcher="pytorch", gpus=2, keep_batch=False)
    runner = MatrixRunner(toy.planner, Console(quiet=True), 1, wanted)
    with pytest.raises(BenchError):
        runner.run(toy.plan())
    command = toy.read("mine", "tune", 0).command
    assert command.endswith("--seed 0 --launcher pytorch --gpus 2 --no-keep-batch --force")


def test_requests_are_forced_by_their_kind(toy: Toy) -> None:
    for force in ("pretrain", "evaluate", None):
        runner = MatrixRunner(toy.planner, Console(quiet=True), 1, force=force)  # type: ignore[arg-type]
        for unit in runner._units(toy.plan(), pretrain_only=False):
            assert unit.request.force == (unit.request.kind == force)


def test_nothing_to_do_starts_nothing(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    toy.finish()
    _fake(monkeypatch, "raise SystemExit('started')")
    _runner(toy).run(toy.plan())
    assert not toy.workspace.runs.exists()


def test_a_failed_worker_leaves_failed_records(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    toy.finish()
    for seed in (0, 1):
        toy.workspace.record_path("micro", "mine", "probe", seed).unlink()
    _fake(monkeypatch, "print('before'); print('ValueError: no good'); raise SystemExit(7)")
    message = _run(toy)
    assert "1 failed" in message
    assert "log.txt" in message
    for seed in (0, 1):
        record = toy.read("mine", "probe", seed)
        assert record.status == "failed"
        assert record.failure is not None
        assert record.failure.kind == "error"
        assert record.failure.message == "exit code 7: ValueError: no good"
        assert record.recipe.config_sha256 == toy.hash_of("mine")
        assert record.protocol.config_sha256 == toy.hash_of("probe")
        assert record.data.id == "own:toy"
    assert {step.reason for step in toy.plan().jobs if step.state == "todo"} == {
        "failed before: error"
    }


def test_a_killed_worker_is_told_apart(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    toy.finish()
    toy.workspace.record_path("micro", "mine", "tune", 0).unlink()
    _fake(monkeypatch, "import os; os.kill(os.getpid(), 9)")
    _run(toy)
    failure = toy.read("mine", "tune", 0).failure
    assert failure is not None
    assert failure.kind == "memory"
    assert "lower the batch size" in failure.message


@pytest.mark.parametrize(("code", "kind"), [(EXIT_MEMORY, "memory"), (EXIT_DISK, "disk")])
def test_exit_codes_say_what_ran_out(
    toy: Toy, monkeypatch: pytest.MonkeyPatch, code: int, kind: str
) -> None:
    """A worker on a full disk can write neither a record nor ``failure.json``."""
    toy.finish()
    toy.workspace.record_path("micro", "mine", "tune", 0).unlink()
    _fake(monkeypatch, f"print('OSError: it is full'); raise SystemExit({code})")
    _run(toy)
    failure = toy.read("mine", "tune", 0).failure
    assert failure is not None
    assert failure.kind == kind
    assert failure.message.startswith("OSError: it is full — ")


def test_a_record_that_does_not_fit_on_the_disk_is_named(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    toy.finish()
    path = toy.workspace.record_path("micro", "mine", "tune", 0)
    path.unlink()
    _fake(monkeypatch, f"raise SystemExit({EXIT_DISK})")
    with monkeypatch.context() as patch:
        patch.setattr("mrcl_bench.endings.write_record", full)
        assert f"{path} could not be written: No space left on device" in _run(toy)
    assert [step.reason for step in toy.plan().jobs if step.state == "todo"] == ["no record"]


def test_the_commit_of_the_code_is_not_part_of_a_record_s_identity(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Changed code makes nothing run again (docs/records.md); ``--force`` does."""
    toy.finish()
    for recipe in ("mine", "theirs"):
        for protocol in ("probe", "tune"):
            for seed in (0, 1):
                path = toy.workspace.record_path("micro", recipe, protocol, seed)
                record = json.loads(path.read_text())
                record["environment"] |= {"git_commit": "0" * 40, "git_dirty": True}
                write_json(path, record)
    assert {step.state for step in toy.plan().jobs} == {"done"}
    assert {step.state for step in toy.plan(force=True).jobs} == {"todo"}


def test_what_a_failed_worker_had_finished_is_kept(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy.finish()
    kept = toy.workspace.record_path("micro", "mine", "probe", 0)
    (toy.root / "kept.json").write_bytes(kept.read_bytes())
    for seed in (0, 1):
        toy.workspace.record_path("micro", "mine", "probe", seed).unlink()
    _fake(
        monkeypatch,
        "import pathlib, shutil, time; time.sleep(0.05)\n"
        f"shutil.copyfile({str(toy.root / 'kept.json')!r}, {str(kept)!r})\n"
        "raise SystemExit(1)",
    )
    _run(toy)
    assert toy.read("mine", "probe", 0).status == "completed"
    assert toy.read("mine", "probe", 1).status == "failed"


def test_an_old_good_record_of_a_failed_rerun_does_not_stand(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    toy.finish()
    path = toy.workspace.record_path("micro", "mine", "tune", 0)
    os.utime(path, (1, 1))
    _fake(monkeypatch, "raise SystemExit(1)")
    _run(toy, recipes=["mine"], protocols=["tune"], seeds=[0], force=True)
    assert toy.read("mine", "tune", 0).status == "failed"


def test_a_failed_pretraining_marks_its_jobs_and_no_other(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy.finish()
    for protocol in ("probe", "tune"):
        for seed in (0, 1):
            toy.workspace.record_path("micro", "mine", protocol, seed).unlink()
    (toy.workspace.checkpoint_dir("micro", "mine") / "manifest.json").unlink()
    failure = status_path(toy.workspace, "micro", "mine")
    write_json(failure, {"kind": "disk", "message": "an old story"})
    before = toy.workspace.record_path("micro", "theirs", "probe", 0).read_bytes()
    new = json.dumps({"kind": "diverged", "message": "loss is nan at step 3"})
    _fake(
        monkeypatch,
        f"import pathlib; pathlib.Path({str(failure)!r}).write_text({new!r}); raise SystemExit(1)",
    )
    message = _run(toy)
    assert "loss is nan at step 3" in message
    assert "an old story" not in message
    for protocol in ("probe", "tune"):
        for seed in (0, 1):
            record = toy.read("mine", protocol, seed)
            assert record.failure is not None
            assert record.failure.kind == "diverged"
            assert record.checkpoint is None
    assert toy.workspace.record_path("micro", "theirs", "probe", 0).read_bytes() == before


def test_failed_records_can_be_compared(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    from mrcl_bench.compare import load

    toy.finish()
    toy.workspace.record_path("micro", "mine", "tune", 0).unlink()
    _fake(monkeypatch, "raise SystemExit(1)")
    _run(toy)
    loaded = load(toy.workspace.results)
    assert loaded.problems == ()
    assert len(loaded.of("micro")) == 8


def test_the_second_runner_is_told(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    _fake(monkeypatch, "raise SystemExit('started')")
    toy.workspace.results.mkdir(parents=True)
    with FileLock(toy.workspace.results / ".micro.lock"):
        with pytest.raises(BenchError, match="another mrcl-bench works") as caught:
            _runner(toy).run(toy.plan())
    assert caught.value.exit_code == EXIT_LOCKED
    assert not toy.workspace.runs.exists()


def test_a_dead_runners_lock_frees_itself(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    import subprocess

    toy.workspace.results.mkdir(parents=True)
    lock = toy.workspace.results / ".micro.lock"
    code = (
        "import os, sys; from filelock import FileLock\n"
        "FileLock(sys.argv[1]).acquire(); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(lock)], check=False).returncode == -9
    assert lock.exists()
    _fake(monkeypatch, "raise SystemExit(1)")
    assert "failed" in _run(toy)


def test_a_worker_stopped_alone_is_not_silently_passed_over(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy.finish()
    path = toy.workspace.record_path("micro", "mine", "tune", 0)
    path.unlink()
    _fake(monkeypatch, "raise SystemExit(130)")
    assert "failed" in _run(toy)


def test_summary_folds_equal_rows(toy: Toy) -> None:
    assert summary(toy.plan()) == [
        ("pretrain mine", "todo", "1", "no checkpoint"),
        ("pretrain theirs", "todo", "1", "no checkpoint"),
        ("probe (probe)", "todo", "4", "no record"),
        ("tune (tune)", "todo", "4", "no record"),
    ]


def test_the_request_file_holds_the_request(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    from mrcl_bench.engine.request import Request

    toy.finish()
    toy.workspace.record_path("micro", "mine", "tune", 1).unlink()
    _fake(monkeypatch, "raise SystemExit(1)")
    _run(toy)
    folder = toy.workspace.runs / "jobs/micro/mine/tune/seed1"
    request = Request.model_validate_json((folder / "request.json").read_text())
    assert [(job.recipe.name, job.seed) for job in request.jobs] == [("mine", 1)]
    assert request.root == Path(toy.root)
