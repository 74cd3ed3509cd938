"""Carries out a plan: one worker per pretraining, then one per job or batch of probes."""

from __future__ import annotations

import contextlib
import copy
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from rich.console import Console

from .config_keys import check_keys
from .data.check.preflight import preflight
from .engine.batch import fit_batch
from .engine.capture import DISK_CURE, MEMORY_CURE, now
from .engine.launch import NOT_STARTED, Unit, execute
from .engine.request import Request
from .errors import EXIT_DISK, EXIT_LOCKED, EXIT_MEMORY, EXIT_RESUMABLE, BenchError
from .jobs.evaluate import command_for, protocol_ref, recipe_ref
from .naming import contradictions
from .plan import JobStep, Plan, Planner, each_once
from .pretrain import status_path
from .record import (
    Cost,
    DataRef,
    Environment,
    Failure,
    Record,
    read_record,
    write_record,
)
from .resolve import load_spec
from .spec import Job, Protocol, Recipe
from .workspace import Workspace


def default_slots() -> int:
    """Workers at a time: one where there is a GPU, else up to four single- or few-core ones."""
    return 1 if Path("/dev/nvidia0").exists() else min(4, cores())


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class MatrixRunner:
    """Runs pretrainings and jobs of one profile.

    Args:
        planner: The planner that made the plan.
        console: Where progress goes.
        slots: Workers at a time.
        gpus: Processes per pretraining and per trained job under torchrun; 0 for plain processes.
        keep_batch: Whether the total batch is the one that a config's name says.
    """

    def __init__(
        self,
        planner: Planner,
        console: Console,
        slots: int | None = None,
        gpus: int = 0,
        keep_batch: bool = True,
    ) -> None:
        self.planner = planner
        self.workspace = planner.workspace
        self.console = console
        self.slots = 1 if gpus else (slots or default_slots())
        self.gpus = gpus
        self.keep_batch = keep_batch
        self.failed: list[str] = []

    def run(self, plan: Plan, pretrain_only: bool = False) -> None:
        """Runs what the plan has to do.

        Args:
            plan: The plan.
            pretrain_only: Make every checkpoint of the plan, needed by a job or not; run no job.

        Raises:
            BenchError: A config has a key that nothing reads, something failed (named), was
                interrupted, or another process works here.
        """
        units = self._units(plan, pretrain_only)
        if not units:
            return
        self._check_configs(units)
        self._check_data(units)
        self.carry_out(units)
        if self.failed:
            shown = "\n".join(f"  {line}" for line in self.failed)
            raise BenchError(
                f"{len(self.failed)} failed:\n{shown}\n",
                "The logs above say more; the same command tries the failed ones again.",
            )

    def carry_out(self, units: list[Unit]) -> None:
        """Runs units while no other process works on the same profile and results.

        Raises:
            BenchError: Interrupted, or another process works here; a unit that fails is noted in
                `failed`.
        """
        with self.alone():
            for unit in units:
                forget_failure(unit.request)
            execute(units, self.slots, self.console, self.ended)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """While inside, no other command works on the same profile and results.

        Raises:
            BenchError: One does.
        """
        lock = FileLock(self.workspace.results / f".{self.planner.profile}.lock")
        self.workspace.results.mkdir(parents=True, exist_ok=True)
        try:
            with lock.acquire(timeout=0):
                yield
        except Timeout:
            raise BenchError(
                f"another mrcl-bench works on profile {self.planner.profile} in "
                f"{self.workspace.results}.",
                "Wait for it or stop it; a dead one's lock frees itself.",
                EXIT_LOCKED,
            ) from None

    def _check_configs(self, units: list[Unit]) -> None:
        """Refuses dead keys before anything is started, and warns of names that say otherwise."""
        specs: dict[str, Recipe | Protocol] = {}
        for request in (unit.request for unit in units):
            if request.kind == "pretrain":
                specs[request.recipe.name] = request.recipe
            specs |= {job.protocol.name: job.protocol for job in request.jobs}
        for spec in specs.values():
            config = load_spec(spec)
            check_keys(config, spec)
            self._say_batch(spec, config)
            try:
                wrong = contradictions(spec.name, spec, config)
            except (ValueError, AttributeError, KeyError, TypeError):
                continue  # named in the user's own way, or too unlike ours to compare
            if wrong:
                self.console.print(
                    f"warning: {spec.name}: its name is not what it does: {'; '.join(wrong)}",
                    highlight=False,
                    markup=False,
                    soft_wrap=True,
                )

    def _check_data(self, units: list[Unit]) -> None:
        """Refuses data sets with wrong labels before anything is started, all of them at once."""
        wanted: dict[str, None] = {}
        for request in (unit.request for unit in units):
            if request.kind == "pretrain":
                wanted[request.recipe.data] = None
            wanted |= dict.fromkeys(job.protocol.data for job in request.jobs)
        errors = []
        with self.console.status("checking data") as shown:
            for data in map(self.planner.data, wanted):
                if isinstance(data, BenchError):
                    continue

                def show(done: int, total: int, _: str, what: str = data.id) -> None:
                    shown.update(f"checking labels of {what} {done}/{total}")

                try:
                    preflight(data, self.workspace.checked, show)
                except BenchError as error:
                    errors.append(error)
        if errors:
            raise BenchError(
                "nothing was started.\n" + "\n".join(error.what.rstrip() for error in errors),
                " ".join(dict.fromkeys(error.cure for error in errors)),
            )

    def _say_batch(self, spec: Recipe | Protocol, config: Any) -> None:
        """Says where the total batch is another than named, or kept by other means.

        Raises:
            BenchError: It is to be kept and cannot be.
        """
        trains = spec.role != "floor" if isinstance(spec, Recipe) else not spec.batched
        if not trains or not {"model", "optim_wrapper", "train_dataloader"} <= config.keys():
            return
        processes, own = self.gpus or 1, config.train_dataloader.batch_size
        batch = fit_batch(copy.deepcopy(config), spec, processes, self.keep_batch)
        if batch.named in (None, processes * own):
            return
        how = f"not kept: {batch.total} by {processes} x {own}"
        if batch.named == batch.total:
            share = batch.total // processes // batch.accumulated
            how = f"kept by {processes} x {share}, {batch.accumulated} passes a step"
        self.console.print(
            f"{spec.name}: named total batch {batch.named}, {how}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )

    def _units(self, plan: Plan, pretrain_only: bool) -> list[Unit]:
        steps = each_once(plan.pretrainings) if pretrain_only else plan.needed_pretrainings()
        makers: dict[str, Unit] = {}
        for step in steps:
            if step.state == "todo":
                name = step.recipe.owner
                owner = self.planner.catalog.recipe(name) if step.recipe.of else step.recipe
                makers[name] = self._unit("pretrain", owner)
        if pretrain_only:
            return list(makers.values())
        units = list(makers.values())
        for recipe, jobs in _batches([step for step in plan.jobs if step.state == "todo"]):
            unit = self._unit("evaluate", recipe, jobs)
            if recipe.owner in makers:
                unit.needs.append(makers[recipe.owner])
            units.append(unit)
        return units

    def _unit(self, kind: str, recipe: Recipe, jobs: tuple[Job, ...] = ()) -> Unit:
        profile = self.planner.profile
        runs = self.workspace.runs
        if kind == "pretrain":
            folder = runs / "pretrain" / profile / recipe.name
        elif len(jobs) == 1:
            job = jobs[0]
            folder = runs / "jobs" / profile / recipe.name / job.protocol.name / f"seed{job.seed}"
        else:
            folder = runs / "jobs" / profile / recipe.name / "probes"
        gpus = 0 if any(job.protocol.batched for job in jobs) else self.gpus
        request = Request.model_validate(
            {
                "kind": kind,
                "profile": profile,
                "recipe": recipe,
                "jobs": jobs,
                "root": self.workspace.root,
                "threads": max(1, cores() // max(self.slots, gpus)),
                "launcher": "pytorch" if gpus else "none",
                "keep_batch": self.keep_batch,
            }
        )
        return Unit(request, folder, gpus=gpus)

    def ended(self, unit: Unit, code: int) -> None:
        """Makes sure that every job of a failed worker has a record that says so.

        Args:
            unit: What the worker was to do.
            code: Its exit code, or `NOT_STARTED`.
        """
        if code == 0:
            return
        request = unit.request
        if request.kind == "pretrain":
            failure = self._pretraining_failure(request.recipe, unit, code)
            self.failed.append(f"{request.title}: {failure.message} ({unit.log})")
            return
        if code == EXIT_RESUMABLE:  # nothing was measured, nothing is recorded
            self.failed.append(f"{request.title}: stopped by a signal ({unit.log})")
            return
        if code == NOT_STARTED:
            failure = self._pretraining_failure(request.recipe, unit, code)
        else:
            failure = _worker_failure(unit, code)
        for job in request.jobs:
            path = self.workspace.record_path(
                job.profile, job.recipe.name, job.protocol.name, job.seed
            )
            if code == NOT_STARTED or not _is_fresh(path, unit):
                try:
                    write_record(path, self._failed_record(job, failure))
                except OSError as error:  # a full disk: the job has no record and runs again
                    self.failed.append(f"{path} could not be written: {error.strerror}")
            elif (own := read_record(path).failure) is not None:
                failure = own
        why = "pretraining failed" if code == NOT_STARTED else failure.message
        self.failed.append(f"{request.title}: {why} ({unit.log})")

    def _pretraining_failure(self, recipe: Recipe, unit: Unit, code: int) -> Failure:
        path = status_path(self.workspace, self.planner.profile, recipe.owner)
        if path.exists():
            return Failure.model_validate(json.loads(path.read_text()))
        return _worker_failure(unit, code)

    def _failed_record(self, job: Job, failure: Failure) -> Record:
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
            command=command_for(job),
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
    if code == -9 or (unit.gpus and "Signal 9 (SIGKILL)" in log):  # as torchrun reports it
        what = "the worker was killed (out of memory, or by hand)"
        return Failure(kind="memory", message=f"{what} — {MEMORY_CURE}")
    if code == EXIT_MEMORY:
        return Failure(kind="memory", message=f"{last} — {MEMORY_CURE}")
    if code == EXIT_DISK:
        return Failure(kind="disk", message=f"{last} — {DISK_CURE}")
    return Failure(kind="error", message=f"exit code {code}: {last}")


def _batches(steps: list[JobStep]) -> Iterator[tuple[Recipe, tuple[Job, ...]]]:
    """Groups jobs into processes: a recipe's batched ones together, every other one alone."""
    batched: dict[str, list[Job]] = {}
    for step in steps:
        if step.job.protocol.batched:
            batched.setdefault(step.recipe.name, []).append(step.job)
    for jobs in batched.values():
        yield jobs[0].recipe, tuple(jobs)
    for step in steps:
        if not step.job.protocol.batched:
            yield step.recipe, (step.job,)


def summary(plan: Plan) -> list[tuple[str, str, str, str]]:
    """Rows for the terminal: what, state, how many, reason; equal ones are folded."""
    rows: dict[tuple[str, str, str], int] = {}
    for step in plan.pretrainings:
        key = (f"pretrain {step.recipe.name}", step.state, step.reason)
        rows[key] = rows.get(key, 0) + 1
    for job_step in plan.jobs:
        key = (
            f"{job_step.job.protocol.family} ({job_step.job.protocol.name})",
            job_step.state,
            job_step.reason,
        )
        rows[key] = rows.get(key, 0) + 1
    return [(what, state, str(count), reason) for (what, state, reason), count in rows.items()]
