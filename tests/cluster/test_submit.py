"""What a plan lacks goes to Slurm in few arrays, in the right order, and never twice."""

from __future__ import annotations

import io
import os
import resource
import subprocess
import sys
import time
from typing import Any

import pytest
from rich.console import Console

from mrcl_bench.cluster.ledger import Entry, Ledger
from mrcl_bench.cluster.settings import Cluster
from mrcl_bench.cluster.submit import SlurmRunner
from mrcl_bench.engine.manner import Manner
from mrcl_bench.engine.request import Request
from mrcl_bench.errors import EXIT_LOCKED, BenchError

from ..conftest import Cli
from ..toy import Toy
from .fake_slurm import FakeSlurm


def _submit(
    toy: Toy, cluster: Cluster | None = None, how: Manner | None = None, **plan: Any
) -> str:
    """Submits what the toy lacks; returns what was said."""
    said = io.StringIO()
    console = Console(file=said, width=200)
    runner = SlurmRunner(toy.planner, console, cluster or Cluster(), how or Manner())
    runner.run(toy.plan(**plan))
    return said.getvalue()


def _ledger(toy: Toy) -> Ledger:
    return Ledger(toy.workspace, "micro")


def _covered(toy: Toy) -> list[str]:
    return sorted(cover for entry in _ledger(toy).read() for cover in entry.covers)


def _first_of_each_array(toy: Toy) -> list[Entry]:
    return [entry for entry in _ledger(toy).read() if entry.index == 0]


MATRIX = sorted(
    f"{recipe}{rest}"
    for recipe in ("mine", "theirs")
    for rest in ("", "/probe/seed0", "/probe/seed1", "/tune/seed0", "/tune/seed1")
)


def test_pretrainings_are_one_array_and_jobs_wait_for_their_own(toy: Toy, fake: FakeSlurm) -> None:
    _submit(toy)
    assert _covered(toy) == MATRIX
    first, *others = fake.calls
    assert "--array=0-1%2" in first
    assert "dependency" not in first
    assert len(others) == 4  # probes and trained jobs of each recipe
    for call in others:
        assert "--dependency=afterok:101_0" in call or "--dependency=afterok:101_1" in call
    entries = {cover: entry for entry in _ledger(toy).read() for cover in entry.covers}
    assert entries["mine"].slurm == "101_0"
    assert entries["mine/tune/seed1"].needs == (entries["mine"].key,)
    assert entries["theirs/probe/seed0"].needs == (entries["theirs"].key,)


def test_what_needs_no_pretraining_is_one_array_per_stage(toy: Toy, fake: FakeSlurm) -> None:
    toy.pretrained("mine")
    toy.pretrained("theirs")
    _submit(toy)
    assert len(fake.calls) == 2
    assert not any("dependency" in call for call in fake.calls)
    assert sum("--array=0-3%4" in call for call in fake.calls) == 1


def test_large_arrays_are_cut(toy: Toy, fake: FakeSlurm) -> None:
    toy.pretrained("mine")
    toy.pretrained("theirs")
    _submit(toy, Cluster(max_array=3))
    assert sum("--array=0-2%3" in call for call in fake.calls) == 1
    assert len(fake.calls) == 3
    assert len({row[0] for row in fake.queue}) == 6


def test_the_same_command_submits_only_what_is_missing(toy: Toy, fake: FakeSlurm) -> None:
    _submit(toy)
    before = len(fake.calls)
    said = _submit(toy)
    assert "10 in Slurm's queue already" in said
    assert "0 submitted" in said
    assert len(fake.calls) == before

    lost = next(e for e in _ledger(toy).read() if e.covers == ("mine/tune/seed1",))
    assert lost.slurm is not None
    fake.put(lost.slurm, "TIMEOUT")
    said = _submit(toy)
    assert "1 submitted" in said
    assert len(fake.calls) == before + 1
    assert "--dependency=afterok:101_0" in fake.calls[-1]  # its pretraining is queued still
    assert _covered(toy) == MATRIX


def test_a_record_that_is_there_is_not_asked_for(toy: Toy, fake: FakeSlurm) -> None:
    toy.finish()
    toy.workspace.record_path("micro", "mine", "tune", 1).unlink()
    _submit(toy)
    assert _covered(toy) == ["mine/tune/seed1"]
    assert "array" not in fake.calls[0]


def test_probes_of_one_folder_wait_for_each_other(toy: Toy, fake: FakeSlurm) -> None:
    toy.edit("probe", "seeds=2", "seeds=4")
    toy.pretrained("mine")
    _submit(toy, recipes=["mine"], protocols=["probe"], seeds=[0, 1])
    _submit(toy, recipes=["mine"], protocols=["probe"])
    assert len(fake.calls) == 2
    assert "--dependency=afterany:101" in fake.calls[1]


def test_a_command_that_died_after_sbatch_is_remembered(toy: Toy, fake: FakeSlurm) -> None:
    """Killed before it knew the id: the job is found by its name and not submitted again."""
    toy.finish()
    toy.workspace.record_path("micro", "mine", "tune", 1).unlink()
    fake.touch("crash")
    code = (
        "from pathlib import Path; from rich.console import Console\n"
        "from mrcl_bench.catalog import Catalog; from mrcl_bench.plan import Planner\n"
        "from mrcl_bench.cluster.settings import Cluster\n"
        "from mrcl_bench.cluster.submit import SlurmRunner\n"
        "from mrcl_bench.workspace import Workspace\n"
        f"root = Path({str(toy.root)!r})\n"
        "planner = Planner(Workspace(root), Catalog(root / 'configs'), 'micro')\n"
        "SlurmRunner(planner, Console(quiet=True), Cluster()).run(planner.plan([], []))\n"
    )
    died = subprocess.run([sys.executable, "-c", code], timeout=60, capture_output=True)
    assert died.returncode == -9, died.stderr
    assert len(fake.queue) == 1
    assert [entry.slurm for entry in _ledger(toy).read()] == [None]
    fake.mend("crash")
    assert "1 in Slurm's queue already" in _submit(toy)
    assert len(fake.queue) == 1
    assert [entry.slurm for entry in _ledger(toy).read()] == ["101"]


def test_a_refusal_leaves_nothing_behind(toy: Toy, fake: FakeSlurm) -> None:
    fake.touch("refuse")
    with pytest.raises(BenchError, match="Invalid partition"):
        _submit(toy)
    fake.mend("refuse")
    assert "8 submitted" in _submit(toy)
    assert _covered(toy) == MATRIX


def test_a_queue_that_does_not_answer_stops_it(toy: Toy, fake: FakeSlurm) -> None:
    _submit(toy)
    fake.touch("down")
    with pytest.raises(BenchError, match="Unable to contact"):
        _submit(toy)
    assert len(fake.calls) == 5


def test_a_damaged_ledger_is_not_taken_for_an_empty_one(toy: Toy, fake: FakeSlurm) -> None:
    _submit(toy)
    _ledger(toy).path.write_text("[{")
    with pytest.raises(BenchError, match="cannot read"):
        _submit(toy)


def test_a_local_run_and_a_submission_exclude_each_other(toy: Toy, fake: FakeSlurm) -> None:
    runner = SlurmRunner(toy.planner, Console(quiet=True), Cluster())
    with runner.alone(), pytest.raises(BenchError) as caught:
        _submit(toy)
    assert caught.value.exit_code == EXIT_LOCKED
    assert fake.calls == []


def test_requests_say_what_the_node_may_use(toy: Toy, fake: FakeSlurm) -> None:
    cluster = Cluster.model_validate({"cpus": 32, "gpus": 0})
    _submit(toy, cluster, Manner(launcher="pytorch", gpus=8, nodes=2))
    ledger = _ledger(toy)
    requests = {
        entry.stage: Request.model_validate_json(ledger.request_file(entry).read_text())
        for entry in ledger.read()
    }
    assert (requests["pretrain"].threads, requests["pretrain"].launcher) == (4, "pytorch")
    assert (requests["probe"].threads, requests["probe"].launcher) == (32, "none")


def test_a_probe_takes_one_gpu_where_others_take_many(toy: Toy, fake: FakeSlurm) -> None:
    _submit(toy, how=Manner(launcher="pytorch", gpus=8))
    asked = {"pretrain": 0, "probe": 0, "train": 0}
    for entry, call in zip(_first_of_each_array(toy), fake.calls, strict=True):
        gpus = [word for word in call.split() if word.startswith("--gpus-per-node")]
        assert gpus == [f"--gpus-per-node={1 if entry.stage == 'probe' else 8}"]
        asked[entry.stage] += 1
    assert asked == {"pretrain": 1, "probe": 2, "train": 2}


def test_without_a_launcher_no_gpu_is_asked_for(toy: Toy, fake: FakeSlurm) -> None:
    _submit(toy)
    assert not any("gpus" in call for call in fake.calls)


def test_more_processes_than_gpus_are_refused(toy: Toy) -> None:
    cluster = Cluster.model_validate({"train": {"gpus": 4}})
    with pytest.raises(BenchError, match="asks Slurm for 4 per node"):
        SlurmRunner(toy.planner, Console(quiet=True), cluster, Manner(launcher="pytorch", gpus=8))


def test_without_slurm_it_says_so(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BenchError, match="no Slurm here"):
        _submit(toy)


def test_two_thousand_jobs_dry_in_five_seconds(toy: Toy, cli: Cli) -> None:
    """The whole command; processor time, so that a busy machine does not count."""
    toy.edit("tune", "seeds=2", "seeds=1000")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = cli(
        *("run", "-p", "micro", "--configs", str(toy.configs), "--protocol", "tune"),
        *("--executor", "slurm", "--dry-run"),
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    assert "2002 would be submitted" in done.stdout
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime <= 5
    assert not (toy.workspace.runs / "slurm/micro/ledger.json").exists()
    assert list(toy.root.rglob("request*.json")) == []


def test_two_thousand_jobs_are_submitted_with_few_calls(toy: Toy, fake: FakeSlurm) -> None:
    toy.edit("tune", "seeds=2", "seeds=1000")
    begun = time.process_time()
    _submit(toy, protocols=["tune"])
    assert time.process_time() - begun <= 5
    assert len(fake.calls) == 3
    assert len(_ledger(toy).read()) == 2002
    assert os.listdir(_ledger(toy).folder)  # noqa: PTH208 - there are thousands
