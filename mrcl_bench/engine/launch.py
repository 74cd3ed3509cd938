"""Starts workers in subprocesses, a few at a time, and shows how far they are."""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from ..atomic import write_text
from ..errors import EXIT_RESUMABLE, BenchError
from .layout import allocation, free_port
from .orphan import PARENT_VARIABLE
from .progress import FD_VARIABLE
from .request import Request
from .slots import Slot
from .state import read_state

NOT_STARTED = -1000
"""Stands for an exit code where a worker was not started because one that it needs failed."""
_SIGNALS = (signal.SIGTERM, signal.SIGUSR1)
_GRACE_SECONDS = 60.0
"""How long a worker may take to stop after a signal before it is killed."""
_OF_TORCHRUN = "SIGTERM,SIGINT,SIGHUP,SIGQUIT,SIGUSR1"
"""Signals that torchrun hands on to its processes; without SIGUSR1, that one kills it."""
_KILLED = 128 + signal.SIGKILL
_KEEP_FREED = {"MALLOC_TRIM_THRESHOLD_": str(2**30), "MALLOC_MMAP_THRESHOLD_": str(2**25)}
"""glibc keeps what a step frees for the next one instead of having the kernel clear it anew."""
_FIRST_FAILURE = re.compile(r"Root Cause.*?exitcode\s*:\s*(-?\d+)", re.DOTALL)
"""In the report that torchrun ends with."""


def first_failure(log: Path, code: int) -> int:
    """The exit code of the process that failed first under torchrun, which itself ends with 1.

    Args:
        log: What torchrun and its processes said.
        code: Its own exit code.
    """
    if code != 1:
        return code
    said = _FIRST_FAILURE.findall(log.read_text(errors="replace"))
    return int(said[-1]) if said else code


def worker_environment(request: Request) -> dict[str, str]:
    """What every worker's environment says, wherever it is started."""
    threads = str(request.threads)
    return {
        "OMP_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": "ignore",
        **{name: os.environ.get(name, value) for name, value in _KEEP_FREED.items()},
    }


@dataclass
class Unit:
    """One worker to start.

    Attributes:
        request: What it does.
        folder: Where its request and log go.
        needs: Units that must have succeeded before.
    """

    request: Request
    folder: Path
    needs: list[Unit] = field(default_factory=list)
    state: str = "waiting"
    seconds: float = 0.0

    @property
    def log(self) -> Path:
        """The worker's output."""
        return self.folder / "log.txt"

    def leave_request(self) -> Path:
        """Writes the request into the folder."""
        path = self.folder / "request.json"
        write_text(path, self.request.model_dump_json(indent=1))
        return path

    def command(self, request_file: Path) -> list[str]:
        """The command line of the worker."""
        layout = self.request.layout
        there = layout.by_srun and layout.launcher == "pytorch"
        return layout.command(request_file, f"{allocation()}:{free_port()}" if there else "")


class _Running:
    """A live worker and the pipe that it reports on."""

    def __init__(self, unit: Unit, slot: Slot) -> None:
        self.unit = unit
        self.slot = slot
        request_file = unit.leave_request()
        reader, writer = os.pipe()
        layout = unit.request.layout
        environment = {
            **os.environ,
            **slot.environment(layout.gpus),
            **worker_environment(unit.request),
        }
        if layout.launcher != "none":  # torchrun has no -P to pass on to its workers
            environment["PYTHONSAFEPATH"] = "1"
            environment.setdefault("TORCHELASTIC_SIGNALS_TO_HANDLE", _OF_TORCHRUN)
        if layout.launcher == "slurm":
            environment.setdefault("MASTER_ADDR", allocation() or "localhost")
            environment["MASTER_PORT"] = str(free_port())
        if not layout.by_srun:  # elsewhere these numbers would be those of others
            one = layout.launcher == "none"
            environment[FD_VARIABLE] = str(writer) if one else f"/proc/{os.getpid()}/fd/{reader}"
            environment[PARENT_VARIABLE] = str(os.getpid())
        self._log: IO[bytes] = unit.log.open("wb")
        self.process = subprocess.Popen(
            unit.command(request_file),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            pass_fds=(writer,),
            env=environment,
            start_new_session=True,  # Ctrl-C reaches us alone; we tell the workers
        )
        slot.confine(self.process.pid)
        os.close(writer)
        self.pipe = reader
        self._text = b""
        self.begun = time.monotonic()
        self.latest = (0, 0, "starting")
        self._looked = self.begun

    def look(self) -> None:
        """Takes in what a worker that has no pipe to here left in its folder."""
        if self.unit.request.layout.by_srun and time.monotonic() - self._looked > 1:
            self._looked = time.monotonic()
            if (state := read_state(self.unit.folder)) is not None:
                self.latest = (state.step, state.total, state.what)

    def read(self) -> None:
        """Takes in what the worker reported."""
        self._text += os.read(self.pipe, 65536)
        *lines, self._text = self._text.split(b"\n")
        for line in lines[-1:]:
            with contextlib.suppress(ValueError):  # a garbled line is no reason to stop
                done, total, what = line.decode(errors="replace").split("\t", 2)
                self.latest = (int(done), int(total), what)

    def ask_to_stop(self) -> None:
        """Sends a signal to the worker alone: it needs what it started to finish its step.

        On SIGTERM srun kills what it started; SIGUSR1 it hands on.
        """
        by_srun = self.unit.request.layout.by_srun
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGUSR1 if by_srun else signal.SIGTERM)

    def kill(self) -> None:
        """Kills the worker, if it is there still, and whatever it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def code(self) -> int | None:
        """The worker's exit code, None while it runs."""
        code, layout = self.process.poll(), self.unit.request.layout
        if code == _KILLED and layout.by_srun:  # a shell's number, not a process's own
            return -signal.SIGKILL
        if code is None or layout.launcher != "pytorch":
            return code
        return first_failure(self.unit.log, code)

    def close(self) -> None:
        """Frees the pipe and the log."""
        os.close(self.pipe)
        self._log.close()


def execute(
    units: list[Unit],
    slots: int | Sequence[Slot],
    console: Console,
    on_end: Callable[[Unit, int], None],
) -> None:
    """Runs units, one to a slot at a time, in the given order as their needs allow.

    Args:
        units: What to run.
        slots: Places for workers, or their number where nothing is handed out.
        console: Where progress goes.
        on_end: Called with a unit and its exit code when it ends, or with `NOT_STARTED`.

    Raises:
        BenchError: Stopped by Ctrl-C, SIGTERM or SIGUSR1; all workers are down by then.
    """
    waiting = list(units)
    free = [Slot()] * slots if isinstance(slots, int) else list(slots)
    running: dict[int, _Running] = {}
    selector = selectors.DefaultSelector()
    before = {number: signal.signal(number, _raise_interrupt) for number in _SIGNALS}
    progress = Progress(
        TextColumn("  {task.description}"),
        BarColumn(bar_width=14),
        TextColumn("{task.fields[what]}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
    bars: dict[int, object] = {}
    ended = 0
    try:
        with progress:
            while waiting or running:
                for unit in list(waiting):
                    if any(need.state == "failed" for need in unit.needs):
                        unit.state = "failed"
                        waiting.remove(unit)
                        ended += 1
                        on_end(unit, NOT_STARTED)
                for unit in list(waiting):
                    if not free:
                        break
                    if all(need.state == "done" for need in unit.needs):
                        waiting.remove(unit)
                        live = _Running(unit, free.pop(0))
                        unit.state = "running"
                        running[live.pipe] = live
                        selector.register(live.pipe, selectors.EVENT_READ)
                        bars[live.pipe] = progress.add_task(
                            unit.request.title[:34], total=None, what="starting"
                        )
                for key, _ in selector.select(timeout=0.2):
                    running[key.fd].read()
                for fd, live in running.items():
                    live.look()
                    done, total, what = live.latest
                    shown = f"{done}/{total}" if total else what
                    progress.update(
                        bars[fd],  # type: ignore[arg-type]
                        completed=done,
                        total=total or None,
                        what=shown,
                    )
                for fd, live in list(running.items()):
                    code = live.code()
                    if code is None:
                        continue
                    selector.unregister(fd)
                    live.close()
                    del running[fd]
                    free.append(live.slot)
                    progress.remove_task(bars.pop(fd))  # type: ignore[arg-type]
                    unit = live.unit
                    unit.seconds = time.monotonic() - live.begun
                    unit.state = "done" if code == 0 else "failed"
                    ended += 1
                    mark = "[green]done[/]" if code == 0 else "[red]failed[/]"
                    count = f"{ended}/{len(units)}"
                    console.print(
                        f"  {count:>7}  {mark}  {unit.request.title}  "
                        f"[dim]{unit.seconds:.0f} s[/]", highlight=False
                    )  # fmt: skip
                    on_end(unit, code)
    except KeyboardInterrupt:
        _stop_all(running)
        raise BenchError(
            "stopped; what had finished is kept.",
            "The same command goes on from here.",
            EXIT_RESUMABLE,
        ) from None
    except BaseException:
        _stop_all(running)
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        selector.close()


def _raise_interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _stop_all(running: dict[int, _Running]) -> None:
    for live in running.values():
        live.ask_to_stop()
    deadline = time.monotonic() + _GRACE_SECONDS
    try:
        for live in running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                live.process.wait(max(0.1, deadline - time.monotonic()))
    finally:  # also when a second signal comes: nobody waits any longer, and nobody is left
        for live in running.values():
            live.kill()
            live.close()
