"""Starts workers in subprocesses, a few at a time, and shows how far they are."""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from ..atomic import write_text
from ..errors import EXIT_RESUMABLE, BenchError
from .orphan import PARENT_VARIABLE
from .progress import FD_VARIABLE
from .request import Request

NOT_STARTED = -1000
"""Stands for an exit code where a worker was not started because one that it needs failed."""
_SIGNALS = (signal.SIGTERM, signal.SIGUSR1)
_GRACE_SECONDS = 60.0
"""How long a worker may take to stop after a signal before it is killed."""
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


@dataclass
class Unit:
    """One worker to start.

    Attributes:
        request: What it does.
        folder: Where its request and log go.
        needs: Units that must have succeeded before.
        gpus: GPUs (processes) of this worker under torchrun; 0 for a plain process.
    """

    request: Request
    folder: Path
    needs: list[Unit] = field(default_factory=list)
    gpus: int = 0
    state: str = "waiting"
    seconds: float = 0.0

    @property
    def log(self) -> Path:
        """The worker's output."""
        return self.folder / "log.txt"

    def command(self, request_file: Path) -> list[str]:
        """The command line of the worker."""
        module = ["-m", "mrcl_bench.engine.worker", str(request_file)]
        if self.gpus:
            run = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={self.gpus}"]
            return [sys.executable, *run, *module]
        # -P: a folder called mrcl_bench in the current directory must not stand in for ours.
        return [sys.executable, "-P", *module]


class _Running:
    """A live worker and the pipe that it reports on."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        unit.folder.mkdir(parents=True, exist_ok=True)
        request_file = unit.folder / "request.json"
        write_text(request_file, unit.request.model_dump_json(indent=1))
        reader, writer = os.pipe()
        threads = str(unit.request.threads)
        environment = {
            **os.environ,
            FD_VARIABLE: f"/proc/{os.getpid()}/fd/{reader}" if unit.gpus else str(writer),
            PARENT_VARIABLE: str(os.getpid()),
            "OMP_NUM_THREADS": threads,
            "MKL_NUM_THREADS": threads,
            "OPENBLAS_NUM_THREADS": threads,
            "PYTHONUNBUFFERED": "1",
            "PYTHONWARNINGS": "ignore",
        }
        if unit.gpus:  # torchrun has no -P to pass on to its workers
            environment["PYTHONSAFEPATH"] = "1"
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
        os.close(writer)
        self.pipe = reader
        self._text = b""
        self.begun = time.monotonic()
        self.latest = (0, 0, "starting")

    def read(self) -> None:
        """Takes in what the worker reported."""
        self._text += os.read(self.pipe, 65536)
        *lines, self._text = self._text.split(b"\n")
        for line in lines[-1:]:
            with contextlib.suppress(ValueError):  # a garbled line is no reason to stop
                done, total, what = line.decode(errors="replace").split("\t", 2)
                self.latest = (int(done), int(total), what)

    def ask_to_stop(self) -> None:
        """Sends SIGTERM to the worker alone: it needs what it started to finish its step."""
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()

    def kill(self) -> None:
        """Kills the worker, if it is there still, and whatever it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def close(self) -> None:
        """Frees the pipe and the log."""
        os.close(self.pipe)
        self._log.close()


def execute(
    units: list[Unit],
    slots: int,
    console: Console,
    on_end: Callable[[Unit, int], None],
) -> None:
    """Runs units, at most ``slots`` at a time, in the given order as their needs allow.

    Args:
        units: What to run.
        slots: Workers at a time.
        console: Where progress goes.
        on_end: Called with a unit and its exit code when it ends, or with `NOT_STARTED`.

    Raises:
        BenchError: Stopped by Ctrl-C, SIGTERM or SIGUSR1; all workers are down by then.
    """
    waiting = list(units)
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
                    if len(running) >= slots:
                        break
                    if all(need.state == "done" for need in unit.needs):
                        waiting.remove(unit)
                        live = _Running(unit)
                        unit.state = "running"
                        running[live.pipe] = live
                        selector.register(live.pipe, selectors.EVENT_READ)
                        bars[live.pipe] = progress.add_task(
                            unit.request.title[:34], total=None, what="starting"
                        )
                for key, _ in selector.select(timeout=0.2):
                    live = running[key.fd]
                    live.read()
                    done, total, what = live.latest
                    shown = f"{done}/{total}" if total else what
                    progress.update(
                        bars[key.fd],  # type: ignore[arg-type]
                        completed=done,
                        total=total or None,
                        what=shown,
                    )
                for fd, live in list(running.items()):
                    code = live.process.poll()
                    if code is None:
                        continue
                    selector.unregister(fd)
                    live.close()
                    del running[fd]
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
