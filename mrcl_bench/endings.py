"""What is known of workers that did not end well: records and lines that say why."""

from __future__ import annotations

import json
from pathlib import Path

from .engine.capture import DISK_CURE, MEMORY_CURE, now
from .engine.launch import NOT_STARTED, Unit
from .engine.request import Request
from .errors import EXIT_DISK, EXIT_LOCKED, EXIT_MEMORY, EXIT_RESUMABLE, BenchError
from .jobs.evaluate import command_for, protocol_ref, recipe_ref
from .plan import Planner
from .pretrain import status_path
from .record import Cost, DataRef, Environment, Failure, Record, read_record, write_record
from .spec import Job, Recipe
from .workspace import Workspace


class Endings:
    """Sees to it that what failed has records, and a line for the user.

    Args:
        planner: The planner of the profile.

    Attributes:
        failed: A line for each unit that failed.
    """

    def __init__(self, planner: Planner) -> None:
        self.planner = planner
        self.workspace = planner.workspace
        self.failed: list[str] = []

    def note(self, unit: Unit, code: int) -> None:
        """Makes sure that every job of a failed worker has a record that says so.

        Args:
            unit: What the worker was to do.
            code: Its exit code, or `NOT_STARTED`.
        """
        if code == 0:
            return
        request = unit.request
        if code == EXIT_LOCKED:  # somebody else is at it, who will say how it ended
            self.failed.append(f"{request.title}: another worker is at it ({unit.log})")
            return
        if request.kind == "pretrain":
            failure = self.pretraining_failure(request.recipe, unit, code)
            self.failed.append(f"{request.title}: {failure.message} ({unit.log})")
            return
        if code == EXIT_RESUMABLE:  # nothing was measured, nothing is recorded
            self.failed.append(f"{request.title}: stopped by a signal ({unit.log})")
            return
        if code == NOT_STARTED:
            failure = self.pretraining_failure(request.recipe, unit, code)
        else:
            failure = _worker_failure(unit, code)
        for job in request.jobs:
            path = self.workspace.record_path(
                job.profile, job.recipe.name, job.protocol.name, job.seed
            )
            if code == NOT_STARTED or not _is_fresh(path, unit):
                try:
                    write_record(path, self._failed_record(job, failure, request))
                except OSError as error:  # a full disk: the job has no record and runs again
                    self.failed.append(f"{path} could not be written: {error.strerror}")
            elif (own := read_record(path).failure) is not None:
                failure = own
        why = "pretraining failed" if code == NOT_STARTED else failure.message
        self.failed.append(f"{request.title}: {why} ({unit.log})")

    def pretraining_failure(self, recipe: Recipe, unit: Unit, code: int) -> Failure:
        """Why there are no weights: what the pretraining left, or else how its worker ended."""
        path = status_path(self.workspace, self.planner.profile, recipe.owner)
        if path.exists():
            return Failure.model_validate(json.loads(path.read_text()))
        return _worker_failure(unit, code)

    def _failed_record(self, job: Job, failure: Failure, request: Request) -> Record:
        data = self.planner.data(job.protocol.data)
        known = not isinstance(data, BenchError)
        moment = now()
        return Record(
            status="failed",
            failure=failure,
            profile=job.profile,
            recipe=recipe_ref(job.recipe, self.planner.config_hash(job.recipe)),
            protocol=protocol_ref(job.protocol, self.planner.config_hash(job.protocol)),
            seed=job.seed,
            data=DataRef(
                id=data.id if known else job.protocol.data,  # type: ignore[union-attr]
                sha256=data.sha256 if known else "",  # type: ignore[union-attr]
            ),
            cost=Cost(images_seen=0, seconds=0.0, peak_memory_mib=0.0),
            environment=Environment(
                git_commit=None, git_dirty=None, python="", packages={}, device="", threads=0
            ),
            started=moment,
            finished=moment,
            command=command_for(job, request),
        )


def forget_failure(request: Request) -> None:
    """A worker that dies while starting must not be explained by an old failure."""
    if request.kind == "pretrain":
        workspace = Workspace(request.root)
        status_path(workspace, request.profile, request.recipe.name).unlink(missing_ok=True)


def _is_fresh(path: Path, unit: Unit) -> bool:
    """Whether a record was written after a unit's worker was asked to start."""
    asked = (unit.folder / "request.json").stat().st_mtime_ns
    return path.exists() and path.stat().st_mtime_ns >= asked


def _worker_failure(unit: Unit, code: int) -> Failure:
    log = unit.log.read_text(errors="replace") if unit.log.exists() else ""
    tail = log.strip().splitlines()
    last = tail[-1][:300] if tail else "no output"
    if code == -9:
        what = "the worker was killed (out of memory, or by hand)"
        return Failure(kind="memory", message=f"{what} — {MEMORY_CURE}")
    if code == EXIT_MEMORY:
        return Failure(kind="memory", message=f"{last} — {MEMORY_CURE}")
    if code == EXIT_DISK:
        return Failure(kind="disk", message=f"{last} — {DISK_CURE}")
    return Failure(kind="error", message=f"exit code {code}: {last}")
