"""Carries out a plan: one worker per pretraining, then one per job or batch of probes."""

from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout
from rich.console import Console

from .config_keys import check_keys
from .engine.batch import fit_batch
from .engine.capture import DISK_CURE, MEMORY_CURE, now
from .engine.launch import NOT_STARTED, Unit, execute
from .engine.layout import PLAIN, allocation, refuse_sharding
from .engine.manner import Manner
from .engine.request import Request
from .engine.slots import Slot, hand_out, usable_cores, visible_gpus
from .errors import (
    EXIT_DISK,
    EXIT_LOCKED,
    EXIT_MEMORY,
    EXIT_RESUMABLE,
    EXIT_USAGE,
    BenchError,
)
from .jobs.evaluate import command_for, protocol_ref, recipe_ref, work_dir_of
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


class MatrixRunner:
    """Runs pretrainings and jobs of one profile.

    Args:
        planner: The planner that made the plan.
        console: Where progress goes.
        slots: Workers at a time; None for as many as this machine has GPUs or cores for.
        how: How pretrainings and jobs are run.
        force: Kind of requests that do again what is done. The others skip what somebody else
            has done since the plan was made.
    """

    def __init__(
        self,
        planner: Planner,
        console: Console,
        slots: int | None = None,
        how: Manner = Manner(),  # noqa: B008 - frozen
        force: Literal["pretrain", "evaluate"] | None = None,
    ) -> None:
        self.planner = planner
        self.workspace = planner.workspace
        self.console = console
        self.how = how
        self.layout = how.layout
        self._count = slots
        self.force = force
        self.failed: list[str] = []

    @cached_property
    def slots(self) -> list[Slot]:
        """This machine's; a layout over several machines takes all that srun gives it.

        Raises:
            BenchError: There are not enough GPUs, or several jobs at a time want the same.
        """
        if not self.layout.by_srun:
            return hand_out(self._count, self.layout.gpus, visible_gpus(), usable_cores())
        if self._count not in (None, 1):
            raise BenchError(
                f"--jobs {self._count}, but a job under srun takes the whole allocation.",
                "Leave --jobs out, or hand jobs to the queue one by one.",
                EXIT_USAGE,
            )
        return [Slot()]

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
        self._check_nodes(units)
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
            if self.layout.launcher != "none":
                refuse_sharding(config, spec.name)
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
        from .data.check.preflight import preflight  # reads pictures: OpenCV

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

    def _check_nodes(self, units: list[Unit]) -> None:
        """Refuses several machines where nothing starts processes on them, and says what to type.

        The requests are left for that.
        """
        if not self.layout.by_srun or allocation() is not None:
            return
        cure = "Get one (salloc, sbatch), and type it there."
        if self.layout.launcher == "pytorch":
            cure += " Or type this on every node, line after line, HOST being one of them:"
            for unit in units:
                cure += f"\n{unit.request.layout.by_hand(unit.leave_request())}"
        raise BenchError(
            f"{self.layout.options.strip()} needs srun, and this is not inside a Slurm allocation: "
            "nothing was started.",
            cure,
            EXIT_USAGE,
        )

    def _say_batch(self, spec: Recipe | Protocol, config: Any) -> None:
        """Says where the total batch is another than named, or kept by other means.

        Raises:
            BenchError: It is to be kept and cannot be.
        """
        trains = spec.role != "floor" if isinstance(spec, Recipe) else not spec.batched
        if not trains or not {"model", "optim_wrapper", "train_dataloader"} <= config.keys():
            return
        processes, own = self.layout.processes, config.train_dataloader.batch_size
        batch = fit_batch(copy.deepcopy(config), spec, processes, self.how.keep_batch)
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
        if kind == "pretrain":
            folder = self.workspace.pretrain_run(profile, recipe.name)
        elif len(jobs) == 1:
            folder = work_dir_of(self.workspace, jobs[0])
        else:
            folder = self.workspace.runs / "jobs" / profile / recipe.name / "probes"
        trains = recipe.role != "floor" if kind == "pretrain" else not jobs[0].protocol.batched
        layout = self.layout if trains else PLAIN
        at_once = len(self.slots) * max(1, layout.gpus)
        request = Request.model_validate(
            {
                "kind": kind,
                "profile": profile,
                "recipe": recipe,
                "jobs": jobs,
                "root": self.workspace.root,
                "threads": max(1, len(usable_cores()) // at_once),
                **self.how.model_dump(),
                **layout.model_dump(),
                "force": kind == self.force or self.planner.changed_code,
            }
        )
        return Unit(request, folder)

    def ended(self, unit: Unit, code: int) -> None:
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
                    write_record(path, self._failed_record(job, failure, request))
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
