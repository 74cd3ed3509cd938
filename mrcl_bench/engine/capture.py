"""What a record says about the machine, the cost and a failure."""

from __future__ import annotations

import errno
import platform
import re
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Literal

from ..errors import BenchError
from ..record import Environment, Failure

_PACKAGES = (
    "mrcl-bench", "torch", "torchvision", "numpy", "scikit-learn", "opencv-python",
    "opencv-python-headless", "onedl-mmcv", "onedl-mmengine", "onedl-mmpretrain",
    "onedl-mmdetection", "onedl-mmsegmentation", "timm",
)  # fmt: skip


MEMORY_CURE = "lower the batch size in the config, run fewer workers (--jobs 1), or add memory."
DISK_CURE = "make room and run the same command; what was saved before is intact."
# What torch raises as a plain RuntimeError: a failed allocation, a loader's process killed.
_OUT_OF_MEMORY = re.compile(
    r"can't allocate memory|out of memory|_ALLOC_FAILED|killed by signal: (Killed|Bus error)"
)


class Diverged(Exception):
    """The training loss became NaN or infinite."""


class LoadRefused(BenchError):
    """Weights do not fit the backbone; nothing was trained."""


def now() -> str:
    """Current time, UTC, ISO 8601 to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def environment(code_sha256: str | None = None) -> Environment:
    """Collects git state, package versions and device.

    Args:
        code_sha256: As in the record; of the time when the run began.
    """
    import torch

    here = Path(__file__).resolve().parent

    def git(*arguments: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", "-C", str(here), *arguments], capture_output=True, text=True, check=True
            )
        except (OSError, subprocess.CalledProcessError):
            return None
        return done.stdout.strip()

    commit = git("rev-parse", "HEAD")
    # Records and tables are written while a matrix runs; they do not make the code dirty.
    changes = git("status", "--porcelain", "--", ":/", ":!/results")
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    device = torch.cuda.get_device_name(0) if torch.cuda.is_available() else _cpu_name()
    return Environment(
        git_commit=commit,
        git_dirty=None if changes is None else bool(changes),
        python=platform.python_version(),
        packages=versions,
        device=device,
        threads=torch.get_num_threads(),
        code_sha256=code_sha256,
    )


def _cpu_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def peak_memory_mib() -> float:
    """Peak memory of this process so far, in MiB (allocated GPU memory where there is a GPU)."""
    import torch

    if torch.cuda.is_available():
        return float(torch.cuda.max_memory_allocated()) / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


class Stopwatch:
    """Wall-clock seconds since construction."""

    def __init__(self) -> None:
        self.started = now()
        self._begin = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds so far."""
        return time.monotonic() - self._begin


def _is_of_memory(error: BaseException) -> bool:
    import torch

    if isinstance(error, torch.cuda.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and bool(_OUT_OF_MEMORY.search(str(error)))


def _is_of_disk(error: BaseException | None) -> bool:
    """Whether the disk was full; torch's writer hides that behind an error of its own."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        error = error.__cause__ or error.__context__
    return False


def classify(error: BaseException) -> Failure:
    """Sorts an exception into the classes that tables show."""
    text = f"{type(error).__name__}: {error}".strip()[:500]
    kind: Literal["diverged", "memory", "disk", "load", "interrupted", "error"] = "error"
    if isinstance(error, Diverged):
        kind = "diverged"
    elif isinstance(error, LoadRefused):
        kind, text = "load", str(error)[:2000]
    elif isinstance(error, BenchError):
        text = str(error)[:2000]
    elif _is_of_memory(error):
        kind = "memory"
        text += f" — {MEMORY_CURE}"
    elif _is_of_disk(error):
        kind = "disk"
        text += f" — {DISK_CURE}"
    elif isinstance(error, KeyboardInterrupt):
        kind, text = "interrupted", "stopped by a signal"
    return Failure(kind=kind, message=text)
