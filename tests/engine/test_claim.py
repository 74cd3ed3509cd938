"""What somebody else has done since the plan was made is not done again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock, Timeout
from rich.console import Console

pytest.importorskip("mmpretrain")

from mrcl_bench.atomic import write_text  # noqa: E402
from mrcl_bench.catalog import Catalog  # noqa: E402
from mrcl_bench.engine import claim  # noqa: E402
from mrcl_bench.engine.claim import LOCK_NAME, Claims  # noqa: E402
from mrcl_bench.engine.request import Request  # noqa: E402
from mrcl_bench.errors import EXIT_LOCKED  # noqa: E402
from mrcl_bench.jobs.evaluate import work_dir_of  # noqa: E402
from mrcl_bench.record import find_records, read_record  # noqa: E402
from mrcl_bench.run import MatrixRunner  # noqa: E402
from mrcl_bench.spec import Job  # noqa: E402
from mrcl_bench.workspace import Workspace  # noqa: E402

from ..conftest import MICRO_CONFIGS, command_environment  # noqa: E402
from ..toy import Toy  # noqa: E402

ROOT = Path(__file__).parents[2]
RANDOM = "random_vit-128x4_0e_micro"


def _request(toy: Toy, kind: str, **fields: Any) -> Request:
    catalog = toy.catalog
    jobs = [
        Job(profile="micro", recipe=catalog.recipe("mine"), protocol=catalog.protocol(name), seed=0)
        for name in ("probe", "tune")
    ]
    return Request.model_validate(
        {
            "kind": kind,
            "profile": "micro",
            "recipe": catalog.recipe("mine"),
            "jobs": jobs if kind == "evaluate" else (),
            "root": toy.root,
            **fields,
        }
    )


def _to_do(toy: Toy, **fields: Any) -> list[str]:
    """What of pretraining and two jobs is still to be done."""
    with Claims(_request(toy, "pretrain", **fields)).pretraining() as is_mine:
        found = ["mine"] if is_mine else []
    request = _request(toy, "evaluate", **fields)
    for job in request.jobs:
        with Claims(request).job(job) as is_mine:
            found += [job.protocol.name] if is_mine else []
    return found


def test_what_is_there_is_not_to_be_done(toy: Toy) -> None:
    assert _to_do(toy) == ["mine", "probe", "tune"]
    toy.pretrained("mine")
    assert _to_do(toy) == ["probe", "tune"]
    toy.record("mine", "probe", 0)
    toy.record("mine", "tune", 1)
    assert _to_do(toy) == ["tune"]
    toy.record("mine", "tune", 0)
    assert _to_do(toy) == []
    assert _to_do(toy, force=True) == ["mine", "probe", "tune"]
    assert _to_do(toy, seed=1) == ["mine"]


def test_what_is_of_other_weights_configs_or_data_is(toy: Toy) -> None:
    toy.finish()
    toy.pretrained("mine", "others")
    assert _to_do(toy) == ["probe", "tune"]
    toy.finish()
    toy.edit("tune", "k = 5", "k = 6")
    assert _to_do(toy) == ["tune"]
    (toy.root / "data/toy/picture.txt").write_text("another")
    assert _to_do(toy) == ["mine", "probe", "tune"]


def test_a_kept_checkpoint_that_is_missing_is(toy: Toy) -> None:
    toy.finish()
    toy.edit("mine", 'source="mmpretrain",', 'source="mmpretrain", keep=[0.5],')
    toy.edit("mine", "lr = 0.1)", "lr = 0.1)\ntrain_cfg = dict(max_iters=8)")
    toy.finish()
    assert _to_do(toy) == ["mine"]


def test_nobody_else_is_at_it_meanwhile(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claim, "PATIENCE_SECONDS", 0.05)
    request = _request(toy, "evaluate")
    probe, tune = request.jobs
    lock = FileLock(work_dir_of(toy.workspace, probe) / LOCK_NAME)
    with Claims(request).job(probe):
        with pytest.raises(Timeout):
            lock.acquire(timeout=0)
    with lock:
        with pytest.raises(Timeout), Claims(request).job(probe):
            pass
        with Claims(request).job(tune) as is_mine:
            assert is_mine
    pretrain = _request(toy, "pretrain")
    with FileLock(toy.workspace.runs / "pretrain/micro/mine" / LOCK_NAME):
        with pytest.raises(Timeout), Claims(pretrain).pretraining():
            pass


def test_an_old_plan_does_nothing_twice(toy: Toy) -> None:
    """Real workers of a plan that another command has carried out since it was made."""
    old = toy.plan(recipes=["mine"], protocols=["probe"], seeds=[0])
    toy.finish()
    files = [*toy.workspace.records("micro").rglob("*.json"), *toy.root.rglob("manifest.json")]
    before = {path: path.stat().st_mtime_ns for path in files}
    MatrixRunner(toy.planner, Console(quiet=True), 1).run(old)
    assert {path: path.stat().st_mtime_ns for path in files} == before
    logs = sorted(path.read_text() for path in toy.workspace.runs.rglob("log.txt"))
    assert [log.strip().endswith("is there by now") for log in logs] == [True, True]


def _worker(path: Path, request: Request, data: Path) -> subprocess.Popen[str]:
    write_text(path, request.model_dump_json())
    return subprocess.Popen(
        [sys.executable, "-m", "mrcl_bench.engine.worker", str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=path.parent,
        env={
            **os.environ,
            "MRCL_BENCH_DATA": str(data),
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
            "CUDA_VISIBLE_DEVICES": "",
        },
    )


def test_two_workers_at_once_share_what_they_were_both_asked_for(
    micro_root: Path, micro_catalog: Catalog, untrained: Path, tmp_path: Path
) -> None:
    """In folders of their own, as by hand or on two machines: nothing but the jobs' locks."""
    recipe = micro_catalog.recipe(RANDOM)
    workspace = Workspace(tmp_path)
    shutil.copytree(untrained, workspace.checkpoint_dir("micro", RANDOM))
    (protocol,) = micro_catalog.select_protocols("micro", ["linear"])
    jobs = [Job(profile="micro", recipe=recipe, protocol=protocol, seed=s) for s in range(3)]
    begun = time.monotonic()
    workers = [
        _worker(
            tmp_path / name / "request.json",
            Request(
                kind="evaluate", profile="micro", recipe=recipe, jobs=tuple(order), root=tmp_path
            ),
            micro_root,
        )
        for name, order in (("one", jobs), ("other", jobs[::-1]))
    ]
    said = [worker.communicate(timeout=240)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], said
    assert sum(text.count("is there by now") for text in said) == len(jobs), said
    records = [read_record(path) for path in find_records(workspace.records("micro"))]
    assert [record.status for record in records] == ["completed"] * len(jobs)
    assert time.monotonic() - begun < claim.PATIENCE_SECONDS + 120


def test_two_pretrainings_at_once_are_one(
    micro_root: Path, micro_catalog: Catalog, tmp_path: Path
) -> None:
    recipe = micro_catalog.recipe(RANDOM)
    request = Request(kind="pretrain", profile="micro", recipe=recipe, root=tmp_path)
    workers = [
        _worker(tmp_path / name / "request.json", request, micro_root) for name in ("one", "other")
    ]
    said = [worker.communicate(timeout=240)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], said
    assert sorted("is there by now" in text for text in said) == [False, True]


def test_two_run_commands_at_once(micro_root: Path, tmp_path: Path) -> None:
    environment = command_environment(tmp_path, micro_root)
    command = [
        *(sys.executable, "-m", "mrcl_bench.cli.main", "run", "-p", "micro", "-r", "random"),
        *("--configs", str(MICRO_CONFIGS), "--protocol", "knn"),
    ]
    both = [
        subprocess.Popen(
            command, env=environment, cwd=tmp_path, stderr=subprocess.PIPE, text=True,
            stdout=subprocess.DEVNULL,
        )
        for _ in range(2)
    ]  # fmt: skip
    said = [one.communicate(timeout=240)[1] for one in both]
    codes = [one.returncode for one in both]
    assert 0 in codes, said
    # the other one was told, or came so late that nothing was left to do
    assert set(codes) <= {0, EXIT_LOCKED}, said
    workspace = Workspace(tmp_path)
    records = [read_record(path) for path in find_records(workspace.records("micro"))]
    assert [record.status for record in records] == ["completed"] * 2
    logs = list(workspace.runs.rglob("log.txt"))
    late = [log for log in logs if "is there by now" in log.read_text()]
    if codes.count(EXIT_LOCKED):
        assert late == []
        assert any("another mrcl-bench works" in text for text in said)
