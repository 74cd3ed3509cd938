"""Hands out this machine's GPUs and CPU cores to workers, each to one at a time."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import EXIT_USAGE, BenchError

VISIBLE = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True)
class Slot:
    """A place for one worker.

    Attributes:
        gpus: Its GPUs, by the names that ``CUDA_VISIBLE_DEVICES`` knows; empty leaves all.
        cores: Its CPU cores; empty leaves all.
    """

    gpus: tuple[str, ...] = ()
    cores: tuple[int, ...] = ()

    def environment(self, processes: int) -> dict[str, str]:
        """What a worker in it gets to see.

        Args:
            processes: Its processes; one does not need the GPUs of several.
        """
        return {VISIBLE: ",".join(self.gpus[: max(1, processes)])} if self.gpus else {}

    def confine(self, pid: int) -> None:
        """Keeps a process that has just been started, and what it starts, on the slot's cores."""
        if self.cores and hasattr(os, "sched_setaffinity"):
            try:
                os.sched_setaffinity(pid, self.cores)
            except OSError:
                return  # it is gone already, or a core is


def visible_gpus(environ: Mapping[str, str] = os.environ) -> list[str]:
    """The GPUs that this process may use; asks neither torch nor CUDA."""
    if VISIBLE in environ:
        names = [name.strip() for name in environ[VISIBLE].split(",")]
        wrong = next((i for i, name in enumerate(names) if name in ("", "-1")), len(names))
        return names[:wrong]  # as CUDA reads it: up to the first that there is not
    try:
        said = subprocess.run(
            ["nvidia-smi", "-L"], capture_output=True, text=True, check=True, timeout=60
        ).stdout
        count = len(re.findall(r"^GPU \d+:", said, re.MULTILINE))
    except (OSError, subprocess.SubprocessError):
        count = sum(bool(re.fullmatch(r"nvidia\d+", p.name)) for p in Path("/dev").glob("nvidia*"))
    return [str(index) for index in range(count)]


def usable_cores() -> list[int]:
    """The CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def hand_out(
    count: int | None, processes: int, gpus: Sequence[str], cores: Sequence[int]
) -> list[Slot]:
    """Makes the slots of this machine.

    Args:
        count: Workers at a time; None for as many as there are GPUs for, without GPUs one of
            several processes, or up to four single ones.
        processes: Processes of each trained job on this machine; 0 for a plain one.
        gpus: The machine's, `visible_gpus`. A name given twice is shared on purpose.
        cores: The machine's, `usable_cores`.

    Returns:
        Slots that share nothing. Only where more processes than cores were asked for, and there
        are no GPUs, the cores are left to all.

    Raises:
        BenchError: There are not enough GPUs.
    """
    each = max(1, processes)
    if count is None:
        fits = len(gpus) // each if gpus else 1 if processes else min(4, len(cores))
        count = max(1, fits)
    if gpus and count * each > len(gpus):
        there = f"there {'is' if len(gpus) == 1 else 'are'} {len(gpus)}"
        raise BenchError(
            f"{count} worker{'s' * (count > 1)} at a time with {each} GPU{'s' * (each > 1)} each "
            f"need{'s' * (count == 1)} {count * each} GPUs; {there} ({', '.join(gpus)}).",
            f"Ask for fewer with --jobs or --gpus, or name a GPU twice in {VISIBLE} to share it.",
            EXIT_USAGE,
        )
    share = 0 < count * each <= len(cores) and count > 1
    return [
        Slot(
            tuple(gpus[index * each : (index + 1) * each]),
            tuple(cores[len(cores) * index // count : len(cores) * (index + 1) // count])
            if share
            else (),
        )
        for index in range(count)
    ]
