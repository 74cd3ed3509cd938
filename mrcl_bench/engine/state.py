"""How far a worker is, in its folder, for whoever asks: ``mrcl-bench status``, a queue.

A worker under way has a ``state.json`` beside its request. It is deleted when the worker ends,
well or not; one that stays behind is of a worker that was killed. Results are never read from it.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict

NAME = "state.json"
BEAT_SECONDS = 10.0
"""A worker says at least this often that it lives."""
STALE_SECONDS = 120.0
"""A worker of another machine that has said nothing for so long is taken for dead."""
_THROTTLE_SECONDS = 1.0


class WorkerState(BaseModel):
    """What a worker says of itself. Times are seconds since 1970.

    Attributes:
        title: What it does, a few words.
        pid: Its process; under a launcher the first of all.
        host: The machine of that process.
        born: When that process was started, in the clock ticks of ``/proc``; 0 if unknown. A
            process id alone may be another's by now.
        started: When it began.
        updated: When this was written.
        what: What the steps are, a few words.
        step: Steps done so far, those before an interruption included; 0 before the first.
        total: All steps; 0 if unknown.
        first_step: The first step of this kind that was counted here.
        first_at: When that one was done.
        stepped: When the latest step was done.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    title: str
    pid: int
    host: str
    born: int = 0
    started: float
    updated: float
    what: str = "starting"
    step: int = 0
    total: int = 0
    first_step: int = 0
    first_at: float = 0.0
    stepped: float = 0.0

    @property
    def eta_seconds(self) -> float | None:
        """Seconds to the last of these steps, at their mean speed so far; None if unknown.

        What comes after them (evaluation, conversion) is not in it.
        """
        done = self.step - self.first_step
        if done < 1 or self.total < self.step:
            return None
        return (self.stepped - self.first_at) / done * (self.total - self.step)

    def lives(self) -> bool:
        """Whether the worker is still at work, as far as can be told from this machine."""
        if self.host == socket.gethostname():
            born = _born(self.pid)
            return born is not None and self.born in (0, born)
        return time.time() - self.updated < STALE_SECONDS


def read_state(folder: Path) -> WorkerState | None:
    """What the worker of a folder says, if one is or was there; see `WorkerState.lives`."""
    try:
        return WorkerState.model_validate_json((folder / NAME).read_text())
    except (OSError, ValueError):  # pydantic's errors are ValueErrors
        return None


def states(runs: Path, profile: str) -> Iterator[tuple[Path, WorkerState]]:
    """Folders with a worker's state, of all pretrainings and jobs of a profile."""
    for pattern in ("pretrain/{}/*", "jobs/{}/*/*", "jobs/{}/*/*/*"):
        for path in sorted(runs.glob(f"{pattern.format(profile)}/{NAME}")):
            if (state := read_state(path.parent)) is not None:
                yield path.parent, state


def _born(pid: int) -> int | None:
    """When a process was started, in clock ticks; 0 where it cannot be told, None if it is gone."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        if Path("/proc/self/stat").exists():
            return None
    except OSError:
        return 0
    else:
        return None if words[0] in "ZX" else int(words[19])
    try:  # not Linux
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except OSError:
        return 0
    return 0


class StateFile:
    """Writes the state of this process; what goes wrong with it stops nothing.

    Training only leaves its step in memory. A thread writes it, so that no step waits for a disk.

    Args:
        folder: The worker's.
        title: What it does.
    """

    def __init__(self, folder: Path, title: str) -> None:
        self._path = folder / NAME
        self._partial = folder / f".{NAME}.tmp"
        moment = time.time()
        self._begun = WorkerState(
            title=title,
            pid=os.getpid(),
            host=socket.gethostname(),
            born=_born(os.getpid()) or 0,
            started=moment,
            updated=moment,
        )
        self._first = ("starting", 0, moment)
        self._latest = ("starting", 0, 0, moment)
        self._ended = threading.Event()
        self._write()
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()

    def note(self, done: int, total: int, what: str) -> None:
        """Takes in how far the work is; see `mrcl_bench.engine.progress.report`."""
        moment = time.time()
        if what != self._first[0] or done < self._first[1]:
            self._first = (what, done, moment)
        self._latest = (what, done, total, moment)

    def close(self) -> None:
        """Ends the thread and deletes the file."""
        self._ended.set()
        self._thread.join()
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _beat(self) -> None:
        written, at = self._latest, time.monotonic()
        while not self._ended.wait(_THROTTLE_SECONDS):
            if self._latest != written or time.monotonic() - at >= BEAT_SECONDS:
                written, at = self._latest, time.monotonic()
                self._write()

    def _write(self) -> None:
        # Not through `atomic`: that waits for the disk, and nobody needs this after a power cut.
        (_, first_step, first_at), (what, step, total, stepped) = self._first, self._latest
        now = {
            "updated": time.time(),
            "what": what,
            "step": step,
            "total": total,
            "first_step": first_step,
            "first_at": first_at,
            "stepped": stepped,
        }
        state = self._begun.model_copy(update=now)
        with contextlib.suppress(OSError):
            self._partial.write_text(state.model_dump_json(indent=1) + "\n")
            self._partial.replace(self._path)


_mine: StateFile | None = None


@contextlib.contextmanager
def kept(folder: Path, title: str) -> Iterator[None]:
    """While inside, this process's state is in a folder.

    Args:
        folder: The worker's.
        title: What it does.
    """
    global _mine
    _mine = StateFile(folder, title)
    try:
        yield
    finally:
        _mine.close()
        _mine = None


def note(done: int, total: int, what: str) -> None:
    """Takes in how far this process is, if its state is kept."""
    if _mine is not None:
        _mine.note(done, total, what)
