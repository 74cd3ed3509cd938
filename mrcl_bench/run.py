"""Carries out a plan: one worker per pretraining, then one per job or batch of jobs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import cached_property
from typing import Literal

from filelock import FileLock, Timeout
from rich.console import Console

from .beforehand import check_configs, check_data, check_nodes
from .endings import Endings, forget_failure
from .engine.launch import Unit, execute
from .engine.layout import PLAIN
from .engine.manner import Manner
from .engine.request import Request
from .engine.slots import Slot, hand_out, usable_cores, visible_gpus
from .errors import EXIT_LOCKED, EXIT_USAGE, BenchError
from .jobs.evaluate import work_dir_of
from .plan import JobStep, Plan, Planner, each_once
from .spec import Job, Recipe


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
        self.endings = Endings(planner)

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
        check_configs(units, self.how, self.console)
        check_data(units, self.planner, self.console)
        self.carry_out(units)
        if failed := self.endings.failed:
            shown = "\n".join(f"  {line}" for line in failed)
            raise BenchError(
                f"{len(failed)} failed:\n{shown}\n",
                "The logs above say more; the same command tries the failed ones again.",
            )

    def carry_out(self, units: list[Unit]) -> None:
        """Runs units while no other process works on the same profile and results.

        Raises:
            BenchError: Interrupted, or another process works here; a unit that fails is noted in
                `endings`.
        """
        check_nodes(units, self.layout)
        with self.alone():
            for unit in units:
                forget_failure(unit.request)
            execute(units, self.slots, self.console, self.endings.note)

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
        todo = [step for step in plan.jobs if step.state == "todo"]
        for recipe, jobs in _batches(todo, self.how.together):
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
            name = "probes" if jobs[0].protocol.batched else jobs[0].protocol.task
            folder = self.workspace.runs / "jobs" / profile / recipe.name / name
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


def _batches(steps: list[JobStep], together: bool) -> Iterator[tuple[Recipe, tuple[Job, ...]]]:
    """Groups jobs into processes, batches of probes first.

    Args:
        steps: What is to be done.
        together: Whether a recipe's trained jobs of one task share a process. If not, only its
            batched ones do, and every other job is alone.
    """

    def shared(step: JobStep) -> tuple[object, ...]:
        protocol = step.job.protocol
        if protocol.batched:
            return ()
        return (protocol.task,) if together else (protocol.name, step.job.seed)

    found: dict[tuple[object, ...], list[Job]] = {}
    for step in sorted(steps, key=lambda step: not step.job.protocol.batched):
        found.setdefault((step.recipe.name, *shared(step)), []).append(step.job)
    for jobs in found.values():
        yield jobs[0].recipe, tuple(jobs)


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
