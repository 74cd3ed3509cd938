"""What runs on a node: one worker, and what is to be said of how it ended.

Slurm signals every process of a job: nothing is passed on here. A worker that was told to stop
saves and leaves with `EXIT_RESUMABLE`; the job then goes back into the queue, unless Slurm ends it
anyway (cancelled, or requeued by Slurm itself).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from ..atomic import write_text
from ..endings import Endings, forget_failure
from ..engine.launch import NOT_STARTED, Unit, first_failure, worker_environment
from ..engine.layout import Layout
from ..engine.orphan import PARENT_VARIABLE
from ..engine.request import Request
from ..engine.stop import SIGNALS
from ..errors import EXIT_FAILED, EXIT_RESUMABLE, BenchError
from .queue import address, requeue, state_of

_PATIENCE_SECONDS = 300.0
"""How long to wait for Slurm to end a job that it has put back into its queue."""


@dataclass(frozen=True)
class Task:
    """One unit on its node or nodes; submitit starts it once per node, or once per process.

    Attributes:
        key: Its entry in the ledger.
        request: File that says what the worker does.
        folder: The unit's folder.
        requeues: How often the job may go back into the queue.
    """

    key: str
    request: str
    folder: str
    requeues: int = 0

    def __call__(self) -> None:
        """Runs the worker.

        Raises:
            SystemExit: It did not end well; Slurm counts the job as failed.
        """
        if code := self._run():
            raise SystemExit(code if code > 0 else 128 - code)

    def _run(self) -> int:
        told: list[int] = []

        def listen(number: int, frame: FrameType | None) -> None:
            told.append(number)

        for number in SIGNALS:
            signal.signal(number, listen)
        first = _number("SLURM_PROCID") == 0
        request = Request.model_validate_json(Path(self.request).read_text())
        unit = Unit(request, Path(self.folder))
        # Told already: a worker that is started now would not hear of it.
        code = EXIT_RESUMABLE if told else self._work(unit, first)
        mark = (
            unit.folder / f".failed-{os.environ['SLURM_JOB_ID']}-{_number('SLURM_RESTART_COUNT')}"
        )
        if code in (-number for number in told):  # it came before the worker listened
            code = EXIT_RESUMABLE
        if code == 0:
            return 0
        if code == EXIT_RESUMABLE and first and mark.exists():  # stopped since another failed
            code, said = EXIT_FAILED, mark.read_text()
            with unit.log.open("a") as log:
                log.write(f"{said}\n")
        if code == EXIT_RESUMABLE:
            return self._go_on(told) if first else _wait(told)
        if first:
            mark.unlink(missing_ok=True)
            _note(self.key, unit, code)
        else:
            rank = _number("SLURM_PROCID")
            write_text(mark, f"process {rank} failed with exit code {code}: see log-{rank}.txt")
        return code

    def _work(self, unit: Unit, first: bool) -> int:
        request_file = Path(self.request)
        rank = _number("SLURM_PROCID")
        unit.folder.mkdir(parents=True, exist_ok=True)
        layout = unit.request.layout
        if first:  # the worker's lock lies beside its request
            forget_failure(unit.request)
            request_file = unit.leave_request()
        environment = {
            **os.environ,
            PARENT_VARIABLE: str(os.getpid()),
            **worker_environment(unit.request),
            "PYTHONSAFEPATH": "1",
        }
        module = ["-m", "mrcl_bench.engine.worker", str(request_file)]
        if layout.launcher == "slurm":
            environment |= {"MASTER_ADDR": _first_host(), "MASTER_PORT": str(_port())}
        elif layout.launcher == "pytorch":
            module = ["-m", "torch.distributed.run", *_torchrun(layout), *module]
        log = unit.log if first else unit.folder / f"log-{rank}.txt"
        with log.open("ab" if _number("SLURM_RESTART_COUNT") else "wb") as file:
            worker = subprocess.Popen(
                [sys.executable, *module],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env=environment,
                preexec_fn=_deaf if layout.launcher == "pytorch" else None,
            )
            code = worker.wait()
        return first_failure(log, code) if layout.launcher == "pytorch" else code

    def _go_on(self, told: list[int]) -> int:
        """Puts a job whose worker has saved back into the queue, if that is for us to do."""
        slurm = _own_id()
        if state_of(slurm) != "RUNNING":  # Slurm is ending it: cancelled, or requeued already
            return EXIT_RESUMABLE
        if _number("SLURM_RESTART_COUNT") >= self.requeues:
            print(f"stopped; not queued again after {self.requeues} times.")  # noqa: T201
            return EXIT_RESUMABLE
        try:
            requeue(slurm)
        except BenchError as error:
            print(f"cannot go back into the queue: {error}", file=sys.stderr)  # noqa: T201
            return EXIT_RESUMABLE
        print("stopped and saved; back into the queue.", flush=True)  # noqa: T201
        return _wait(told)


def _torchrun(layout: Layout) -> list[str]:
    # What torchrun hands on itself would reach its processes twice; this one Slurm never sends.
    options = ["--signals-to-handle=SIGQUIT", f"--nproc-per-node={layout.gpus}"]
    if layout.nodes == 1:
        return ["--standalone", *options]
    return [
        *options,
        f"--nnodes={layout.nodes}",
        f"--node-rank={os.environ['SLURM_NODEID']}",
        f"--master-addr={_first_host()}",
        f"--master-port={_port()}",
    ]


def _number(variable: str) -> int:
    return int(os.environ.get(variable) or 0)


def _own_id() -> str:
    array = os.environ.get("SLURM_ARRAY_JOB_ID")
    if array is None:
        return os.environ["SLURM_JOB_ID"]
    return f"{array}_{os.environ['SLURM_ARRAY_TASK_ID']}"


def _first_host() -> str:
    """Where the processes of several nodes meet: the first node, by the address that Slurm uses."""
    from submitit import JobEnvironment

    return address(str(JobEnvironment().hostnames[0]))


def _port() -> int:
    """A port that two jobs on one node hardly share; below those that systems hand out."""
    return 12000 + int(os.environ["SLURM_JOB_ID"]) % 20000


def _deaf() -> None:
    """Leaves signals to torchrun's workers, which Slurm reaches as well: they need them once."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _wait(told: list[int]) -> int:
    """Waits to be ended together with the job: who leaves first would take the others along."""
    before, until = len(told), time.monotonic() + _PATIENCE_SECONDS
    while len(told) == before and time.monotonic() < until:
        time.sleep(0.2)
    return EXIT_RESUMABLE


def _note(key: str, unit: Unit, code: int) -> None:
    """Writes down why a worker failed, as a local run does, and what it keeps from being run."""
    from ..catalog import Catalog
    from ..plan import Planner
    from ..workspace import Workspace
    from .ledger import Ledger

    workspace, profile = Workspace(unit.request.root), unit.request.profile
    endings = Endings(Planner(workspace, Catalog(), profile))
    endings.note(unit, code)
    if unit.request.kind == "pretrain":
        ledger = Ledger(workspace, profile)
        for entry in ledger.read():
            if key in entry.needs:
                request = ledger.request_file(entry).read_text()
                waiting = Unit(Request.model_validate_json(request), workspace.runs / entry.folder)
                endings.note(waiting, NOT_STARTED)
    for line in endings.failed:
        print(line, file=sys.stderr)  # noqa: T201
