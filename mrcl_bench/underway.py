"""What is under way in a workspace, and what failed and why; for ``mrcl-bench status``."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

from .engine.state import WorkerState, states
from .errors import BenchError
from .plan import Plan, Planner, each_once
from .pretrain import status_path
from .record import Failure, read_record
from .workspace import Workspace


def at_work(workspace: Workspace, profile: str) -> Iterator[tuple[str, str, str, str]]:
    """Rows of the workers that live, and of those that were killed: what, step, left, where."""
    for _, state in states(workspace.runs, profile):
        where = f"pid {state.pid} on {state.host}"
        if state.lives():
            eta = state.eta_seconds
            yield state.title, _step(state), "" if eta is None else duration(eta), where
        else:
            yield state.title, f"died at {_step(state)}", "", where


def _step(state: WorkerState) -> str:
    if not state.total:
        return state.what
    quiet = time.time() - state.stepped
    silent = f", none for {duration(quiet)}" if state.lives() and quiet > 300 else ""
    what = "" if state.what == state.title else f"{state.what} "
    return f"{what}{state.step}/{state.total}{silent}"


def failures(planner: Planner, plan: Plan) -> Iterator[tuple[str, str]]:
    """What of a plan failed or was stopped, and its reason; jobs of a protocol once per reason."""
    for step in each_once(plan.pretrainings):
        path = status_path(planner.workspace, planner.profile, step.recipe.owner)
        if step.state == "done" or not path.exists():
            continue
        try:
            failure = Failure.model_validate(json.loads(path.read_text()))
        except (OSError, ValueError):  # being written, or not by us
            continue
        yield f"pretrain {step.recipe.display}", f"{failure.kind}: {failure.message}"
    found: dict[tuple[str, str], list[int]] = {}
    for job_step in plan.jobs:
        if not job_step.reason.startswith("failed"):
            continue
        job = job_step.job
        try:
            record = read_record(
                planner.workspace.record_path(
                    job.profile, job.recipe.name, job.protocol.name, job.seed
                )
            )
        except BenchError:
            continue
        if record.failure is not None:
            title = f"{job.recipe.display}: {job.protocol.family}"
            why = f"{record.failure.kind}: {record.failure.message}"
            found.setdefault((title, why), []).append(job.seed)
    for (title, why), seeds in found.items():
        yield f"{title}, seed {', '.join(map(str, seeds))}", why


def duration(seconds: float) -> str:
    """A time for reading: ``42 s``, ``7 min``, ``3 h 20 min``, ``2 d 4 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h"
