"""Asks Slurm what has become of jobs."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..errors import BenchError
from .ledger import Entry

_OVER = frozenset(
    "BOOT_FAIL CANCELLED COMPLETED DEADLINE FAILED NODE_FAIL OUT_OF_MEMORY TIMEOUT REVOKED".split()
)
"""States that nothing leaves. PREEMPTED, REQUEUED and the like go back into the queue."""
_SECONDS = 60
_AT_ONCE = 500
"""Ids per call of scancel and sacct: a command line has an end."""


@dataclass(frozen=True)
class Place:
    """Where a job is: its id, Slurm's state (``PENDING``, ``RUNNING`` …) and why."""

    slurm: str
    state: str
    reason: str = ""

    @property
    def over(self) -> bool:
        """Whether it has ended for good."""
        return self.state in _OVER

    @property
    def waits(self) -> bool:
        """Whether it has not started, or has to start again."""
        return not self.over and self.state not in ("RUNNING", "COMPLETING", "SUSPENDED")


def require_slurm() -> None:
    """Raises an error that says so where there is no Slurm.

    Raises:
        BenchError: sbatch or squeue cannot be found.
    """
    if absent := [name for name in ("sbatch", "squeue") if shutil.which(name) is None]:
        raise BenchError(
            f"no Slurm here: {' and '.join(absent)} cannot be found.",
            "Type it where sbatch works, or leave --executor slurm out.",
        )


def places(entries: Iterable[Entry]) -> dict[str, Place]:
    """Looks up entries in the queue, and where it no longer knows them, in the accounts.

    Args:
        entries: What was submitted.

    Returns:
        By the entries' keys. What neither knows is not in it: it ended, or never was submitted.

    Raises:
        BenchError: Slurm does not answer. Nobody knows then what is in its queue.
    """
    wanted = list(entries)
    if not wanted:
        return {}
    require_slurm()
    by_id: dict[str, Place] = {}
    by_name: dict[str, dict[str, Place]] = {}
    users = ",".join(sorted({str(entry.user) for entry in wanted}))
    shape = "--format=%i|%T|%r|%j"
    said = _say("squeue", "--noheader", "--array", "--states=all", f"--user={users}", shape)
    for line in said.splitlines():
        slurm, state, reason, name = line.split("|", 3)
        by_id[slurm] = Place(slurm, state, "" if reason == "None" else reason)
        by_name.setdefault(name, {})[slurm.partition("_")[2]] = by_id[slurm]
    found: dict[str, Place] = {}
    gone = []
    for entry in wanted:
        if entry.slurm is None:  # the command ended before sbatch had answered it
            index = str(entry.index) if entry.size > 1 else ""
            place = by_name.get(entry.name, {}).get(index)
        else:
            place = by_id.get(entry.slurm)
            if place is None:
                gone.append(entry)
        if place is not None:
            found[entry.key] = place
    accounts = _accounts([entry.slurm for entry in gone if entry.slurm and not entry.ended])
    for entry in gone:
        if entry.slurm is not None and entry.slurm in accounts:
            found[entry.key] = accounts[entry.slurm]
    return found


def _accounts(ids: Sequence[str]) -> dict[str, Place]:
    """What sacct says; nothing where there is no accounting."""
    found = {}
    for first in range(0, len(ids), _AT_ONCE):
        some = ",".join(ids[first : first + _AT_ONCE])
        try:
            said = _say("sacct", "-X", "-n", "-P", "-o", "JobID,State", "-j", some)
        except BenchError:
            return {}
        for line in said.splitlines():
            slurm, _, state = line.partition("|")
            if state:
                found[slurm] = Place(slurm, state.split()[0])  # "CANCELLED by 1000"
    return found


def state_of(slurm: str) -> str:
    """One job's state, empty where it is not known."""
    try:
        said = _say("squeue", "--noheader", "--array", "--states=all", "--format=%T", "-j", slurm)
    except BenchError:
        return ""
    return said.strip().partition("\n")[0]


def cancel(ids: Sequence[str]) -> None:
    """Takes jobs out of the queue and stops those that run.

    Raises:
        BenchError: Slurm refuses.
    """
    for first in range(0, len(ids), _AT_ONCE):
        _say("scancel", *ids[first : first + _AT_ONCE])


def requeue(slurm: str) -> None:
    """Puts a running job back into the queue; Slurm ends what runs of it.

    Raises:
        BenchError: Slurm refuses.
    """
    _say("scontrol", "requeue", slurm)


def address(node: str) -> str:
    """A node's network address, its name where Slurm does not say."""
    with contextlib.suppress(BenchError):
        if found := re.search(r"\bNodeAddr=(\S+)", _say("scontrol", "show", "node", node)):
            return found[1]
    return node


def _say(*command: str) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BenchError(f"{command[0]} does not answer: {error}.", "Try again later.") from None
    if done.returncode:
        why = done.stderr.strip() or f"exit code {done.returncode}"
        raise BenchError(f"{command[0]}: {why}.", "Ask those who run the cluster, or try later.")
    return done.stdout
