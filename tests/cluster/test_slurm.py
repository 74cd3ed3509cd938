"""A real Slurm on this machine: a disturbed matrix ends as a local run does."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.importorskip("mmpretrain")
pytest.importorskip("submitit")

from mrcl_bench.cluster.ledger import Entry, Ledger  # noqa: E402
from mrcl_bench.record import Batch, find_records, read_record  # noqa: E402
from mrcl_bench.workspace import Workspace  # noqa: E402
from tools.chaos import ends_of  # noqa: E402

from ..conftest import MICRO_CONFIGS, command_environment  # noqa: E402
from ..toy import Toy  # noqa: E402
from .local_slurm import LocalSlurm, missing  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def slurm() -> Iterator[LocalSlurm]:
    """Two nodes of one core, both of them this machine."""
    if absent := missing():
        pytest.skip(f"no {', '.join(absent)} here (Debian: slurm-wlm, munge)")
    if os.getuid() != 0:
        pytest.skip("Slurm's daemons are started as root")
    folder = Path(tempfile.mkdtemp(prefix="mrcl-slurm-", dir="/tmp"))  # a socket's path is short
    made = LocalSlurm(folder, nodes=2, cpus=1)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


class Site:
    """A workspace, the command in it, and the queue behind it."""

    def __init__(self, root: Path, data: Path, slurm: LocalSlurm) -> None:
        self.workspace = Workspace(root)
        self.slurm = slurm
        self.ledger = Ledger(self.workspace, "micro")
        self.environment = command_environment(root, data, **slurm.environment)

    def __call__(self, *arguments: str, code: int = 0) -> str:
        """Runs ``mrcl-bench`` and returns what it says."""
        done = subprocess.run(
            [sys.executable, "-m", "mrcl_bench.cli.main", *arguments],
            capture_output=True,
            text=True,
            env=self.environment,
            cwd=self.workspace.root,
            timeout=600,
        )
        assert done.returncode == code, done.stdout + done.stderr + self.logs()
        return done.stdout + done.stderr

    def logs(self) -> str:
        """The end of every log."""
        files = [*self.workspace.runs.rglob("log*.txt"), *self.workspace.runs.rglob("*_log.err")]
        parts = [f"\n--- {path}\n{path.read_text(errors='replace')[-1500:]}" for path in files]
        return "".join(parts) + self.slurm.logs()

    def entry(self, cover: str) -> Entry:
        """The newest entry for something, its id being known."""
        entries = [entry for entry in self.ledger.read() if cover in entry.covers]
        assert entries and entries[-1].slurm, cover
        return entries[-1]

    def state(self, slurm: str) -> str:
        """One job's state and reason."""
        return self.slurm.call("squeue", "-h", "-t", "all", "-o", "%T %r", "-j", slurm).strip()

    def wait(self, what: str, until: Callable[[], object], seconds: float = 300) -> None:
        """Waits for something to come true."""
        deadline = time.monotonic() + seconds
        while not until():
            queue = self.slurm.call("squeue", "-o", "%i %T %r %N")
            assert time.monotonic() < deadline, f"{what}: {queue}{self.logs()}"
            time.sleep(0.05)

    def wait_for_all(self) -> None:
        """Waits until the queue is empty."""
        self.wait("an empty queue", lambda: not self.slurm.call("squeue", "-h").strip())


def _worker(folder: Path) -> int | None:
    """The process id of the worker of a unit."""
    wanted = ["mrcl_bench.engine.worker", str(folder / "request.json")]
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if words[-3:-1] == wanted:
            return int(path.parent.name)
    return None


SIMCLR = "simclr_vit-128x4_1xb32-14iters_stamps48-micro"
MRCL = "mrcl_vit-128x4_1xb32-14iters_stamps48-micro"
RANDOM = "random_vit-128x4_0e_micro"
FINETUNE = "vit-128x4_1xb32-finetune-1e_stamps48-micro"
MICRO = ("run", "-p", "micro", "--configs", str(MICRO_CONFIGS))


def test_a_disturbed_matrix_ends_as_a_local_run(
    slurm: LocalSlurm, micro_root: Path, tmp_path: Path
) -> None:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    matrix = (*MICRO, "-r", "simclr", "-r", "random", "--protocol", "knn", "--protocol", "finetune")
    here = Site(tmp_path / "here", micro_root, slurm)
    here(*matrix, "-j", str(len(os.sched_getaffinity(0))))  # a core each, as on the nodes
    wanted = ends_of(here.workspace.root)
    assert len(wanted) == 2 + 6 + 6  # weights, records, results per sample

    there = Site(tmp_path / "there", micro_root, slurm)
    there.workspace.root.joinpath("cluster.toml").write_text('cpus = 1\ntime = "00:30:00"\n')
    submit = (*matrix, "--executor", "slurm")
    assert "6 submitted" in there(*submit)

    # Preempted in the middle of training: it saves, and goes on from there.
    training = there.workspace.runs / "pretrain/micro" / SIMCLR
    preempted = there.entry(SIMCLR).slurm
    assert preempted is not None
    there.wait("a first checkpoint", (training / "last_checkpoint").exists)
    slurm.call("scontrol", "requeue", preempted)

    # In the meantime a node is taken out, and nothing starts on it.
    slurm.call("scontrol", "update", "nodename=node1", "state=drain", "reason=test")
    said = there(*submit)
    assert "in Slurm's queue already" in said
    assert "0 submitted" in said
    assert "in Slurm" in there("status", "-p", "micro")

    # A worker is killed, as the kernel does when memory runs out.
    victim = there.entry(f"{RANDOM}/{FINETUNE}/seed0")
    folder = there.workspace.runs / victim.folder
    there.wait("a worker to kill", lambda: _worker(folder))
    pid = _worker(folder)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    record = there.workspace.record_path("micro", RANDOM, FINETUNE, 0)
    there.wait("a record of the killed job", record.exists)
    failure = read_record(record).failure
    assert failure is not None
    assert failure.kind == "memory"
    # "draining" as long as what ran there has not ended yet
    state = ("sinfo", "-h", "-n", "node1", "-o", "%T")
    there.wait("a drained node", lambda: "drained" in slurm.call(*state))
    slurm.call("scontrol", "update", "nodename=node1", "state=resume")

    there.wait_for_all()
    log = (training / "log.txt").read_text()
    assert "resumed epoch: 0, iter: " in log
    assert log.count("Checkpoints will be saved to") == 2

    # The same command submits exactly what is missing, and then nothing.
    said = there(*submit)
    assert "1 x failed before: memory" in said
    assert "1 submitted" in said
    there.wait_for_all()
    assert ends_of(there.workspace.root) == wanted
    assert "0 pretrainings and 0 jobs to do" in there(*submit)
    shown = there("logs", f"{RANDOM}/{FINETUNE}/seed0", "-p", "micro", "--path")
    assert str(folder / "log.txt") in shown


def test_a_failed_pretraining_takes_its_jobs_along(slurm: LocalSlurm, tmp_path: Path) -> None:
    """The same records as here: the pretraining's reason in each job that waited for it."""
    ends = []
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        toy = Toy(tmp_path / name)
        toy.edit("mine", "lr = 0.1)", "lr = 0.1)\nmodel = dict(type='NoSuchModel')")
        site = Site(toy.root, toy.root / "data", slurm)
        command = ("run", "-p", "micro", "--configs", str(toy.configs), "-r", "mine")
        if name == "here":
            site(*command, code=1)
        else:
            site(*command, "--executor", "slurm")
            waiting = [entry for entry in site.ledger.read() if entry.needs]
            assert len(waiting) == 3  # the probes, and each trained job
            site.wait_for_all()
            states = {site.state(str(entry.slurm)).split()[0] for entry in waiting}
            assert states == {"CANCELLED"}
        found = {
            path.relative_to(toy.root): read_record(path).failure
            for path in find_records(toy.workspace.results)
        }
        assert len(found) == 4
        ends.append(found)
    assert ends[0] == ends[1]


@pytest.mark.parametrize(
    ("launcher", "by_slurm"),
    [
        ("pytorch", False),
        pytest.param("pytorch", True, marks=pytest.mark.nightly),
        pytest.param("slurm", False, marks=pytest.mark.nightly),
    ],
)
def test_one_job_on_two_nodes(
    slurm: LocalSlurm, micro_root: Path, tmp_path: Path, launcher: str, by_slurm: bool
) -> None:
    """Both processes save after the step under way, and the job goes on from there.

    Either on the signal before the time limit, after which it queues itself again, or on that of
    Slurm, which queues it.
    """
    site = Site(tmp_path, micro_root, slurm)
    (tmp_path / "cluster.toml").write_text("cpus = 1\ngpus = 0\n")
    site(
        *(*MICRO, "-r", "mrcl", "--protocol", "finetune"),
        *("--executor", "slurm", "--launcher", launcher, "--gpus", "1", "--nodes", "2"),
    )
    training = site.workspace.runs / "pretrain/micro" / MRCL
    site.wait("a first checkpoint", (training / "last_checkpoint").exists)
    job = str(site.entry(MRCL).slurm)
    slurm.call(*(("scontrol", "requeue") if by_slurm else ("scancel", "--signal=USR1")), job)
    site.wait_for_all()
    found = re.findall(r"resumed epoch: 0, iter: (\d+)", (training / "log.txt").read_text())
    assert len(found) == 1
    assert int(found[0]) > 7  # not from the checkpoint that there was
    (path,) = find_records(site.workspace.records("micro"))
    record = read_record(path)
    assert record.status == "completed", record.failure
    assert record.pretrain_cost is not None
    for cost in (record.cost, record.pretrain_cost):
        assert cost.batch == Batch(named=32, total=32, processes=2)
