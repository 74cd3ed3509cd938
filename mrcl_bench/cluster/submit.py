"""Hands what a plan lacks to Slurm: one array per stage and per pretraining that it waits for."""

from __future__ import annotations

import os
import shlex
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from rich.console import Console

from ..engine.capture import now
from ..engine.launch import Unit
from ..engine.layout import Layout
from ..engine.manner import Manner
from ..engine.slots import Slot
from ..errors import EXIT_USAGE, BenchError
from ..plan import Planner
from ..run import MatrixRunner
from .ledger import Entry, Ledger, job_name
from .queue import Place, places, require_slurm
from .settings import Ask, Cluster, StageName
from .task import Task

_SUBMITIT = "pip install 'mrcl-bench[mm]', or make setup"


@dataclass
class Array:
    """What goes to Slurm with one call: jobs that ask for the same and wait for the same.

    Attributes:
        after: What must have succeeded before.
        behind: What must have ended, well or not: it works in the same folder.
    """

    stage: StageName
    units: list[Unit]
    entries: list[Entry]
    after: Entry | None = None
    behind: Entry | None = None

    @property
    def dependency(self) -> str:
        """In the words of sbatch; an id that is not known yet is its entry's key."""
        waits = (("afterok", self.after), ("afterany", self.behind))
        return ",".join(f"{how}:{e.slurm or e.key}" for how, e in waits if e is not None)

    def parts(self, size: int) -> Iterator[Array]:
        """Cuts it into arrays of at most that size, and gives their entries their places."""
        for first in range(0, len(self.units), size):
            chosen = slice(first, first + size)
            part = replace(self, units=self.units[chosen], entries=self.entries[chosen])
            token = uuid.uuid4().hex[:12]
            for index, entry in enumerate(part.entries):
                entry.array, entry.index, entry.size = token, index, len(part.entries)
                entry.needs = (self.after.key,) if self.after else ()
            yield part


class SlurmRunner(MatrixRunner):
    """Submits a plan's pretrainings and jobs instead of running them.

    Args:
        planner: The planner that made the plan.
        console: Where it says what it did.
        cluster: What to ask Slurm for.
        how: How pretrainings and jobs are run.
        force: As of `MatrixRunner`.
        dry_run: Only say what would be submitted.

    Raises:
        BenchError: More processes than GPUs were asked for.
    """

    def __init__(
        self,
        planner: Planner,
        console: Console,
        cluster: Cluster,
        how: Manner = Manner(),  # noqa: B008 - frozen
        force: Literal["pretrain", "evaluate"] | None = None,
        dry_run: bool = False,
    ) -> None:
        super().__init__(planner, console, 1, how, force)
        self.cluster = cluster
        self.dry_run = dry_run
        self.ledger = Ledger(planner.workspace, planner.profile)
        for stage in ("pretrain", "train"):
            gpus = cluster.ask(stage).gpus
            if gpus and how.gpus > gpus:
                raise BenchError(
                    f"--gpus {how.gpus}, but {stage} asks Slurm for {gpus} per node.",
                    "Mend cluster.toml, or leave gpus out of it.",
                    EXIT_USAGE,
                )

    def carry_out(self, units: list[Unit]) -> None:
        """Submits units, but none that is in the queue already.

        Raises:
            BenchError: Slurm refuses, or another mrcl-bench works on this profile.
        """
        if self.dry_run:
            self._submit(units)
            return
        require_slurm()
        _require_submitit()
        with self.alone(), self.ledger.locked():
            self._submit(units)

    def _submit(self, units: list[Unit]) -> None:
        entries = self.ledger.read()
        where = places(entries)
        live = []
        for entry in entries:
            place = where.get(entry.key)
            if place is not None:
                entry.slurm = place.slurm
                if not place.over:
                    live.append(entry)
        units, there = _without(units, live)
        if there:
            self.console.print(f"{there} in Slurm's queue already", highlight=False)
        arrays = self.arrays(units, live)
        for array in arrays:
            self.console.print(
                describe(array, self._parameters(array)),
                highlight=False,
                markup=False,
                soft_wrap=True,
            )
        if self.dry_run:
            self.console.print(f"{len(units)} would be submitted", highlight=False)
            return
        kept = _not_again(entries, {entry.key for entry in live}, arrays, where)
        self.ledger.write(kept)
        for array in arrays:
            kept += array.entries
            self._hand_over(array, kept)
        self.console.print(
            f"{len(units)} submitted; `mrcl-bench status` shows how they are", highlight=False
        )

    def _hand_over(self, array: Array, entries: list[Entry]) -> None:
        """Submits an array; what is on its way is in the ledger before Slurm has it."""
        self.ledger.write(entries)
        folder = self.ledger.folder / array.entries[0].array
        tasks = [self._task(*pair) for pair in zip(array.units, array.entries, strict=True)]
        ids = submit(tasks, self._parameters(array), folder)
        for entry, slurm in zip(array.entries, ids, strict=True):
            entry.slurm = slurm
        self.ledger.write(entries)

    def arrays(self, units: list[Unit], live: Sequence[Entry] = ()) -> list[Array]:
        """Sorts units into arrays: pretrainings first, then what needs the same of them.

        Args:
            units: What to submit.
            live: Entries that are queued or run.
        """
        makers = {cover: entry for entry in live for cover in entry.covers}
        folders = {entry.folder: entry for entry in live}
        pretrainings = [unit for unit in units if unit.request.kind == "pretrain"]
        first = self._grouped(pretrainings, {}, folders)
        makers |= {
            cover: entry for array in first for entry in array.entries for cover in entry.covers
        }
        jobs = [unit for unit in units if unit.request.kind == "evaluate"]
        return first + self._grouped(jobs, makers, folders)

    def _grouped(
        self, units: list[Unit], makers: dict[str, Entry], folders: dict[str, Entry]
    ) -> list[Array]:
        groups: dict[tuple[str, Layout, str, str], Array] = {}
        for unit in units:
            entry = self._entry(unit)
            maker, other = makers.get(unit.request.recipe.owner), folders.get(entry.folder)
            group = groups.setdefault(
                (
                    entry.stage,
                    unit.request.layout,
                    maker.key if maker else "",
                    other.key if other else "",
                ),
                Array(entry.stage, [], [], maker, other),
            )
            group.units.append(unit)
            group.entries.append(entry)
        return [part for group in groups.values() for part in group.parts(self.cluster.max_array)]

    def _entry(self, unit: Unit) -> Entry:
        request = unit.request
        stage: StageName = "pretrain"
        covers: tuple[str, ...] = (request.recipe.name,)
        if request.kind == "evaluate":
            stage = "probe" if all(job.protocol.batched for job in request.jobs) else "train"
            covers = tuple(map(job_name, request.jobs))
        return Entry(
            covers=covers,
            stage=stage,
            title=request.title,
            folder=str(unit.folder.relative_to(self.workspace.runs)),
            array="",
            index=0,
            size=1,
            user=os.getuid(),
            submitted=now(),
        )

    @cached_property
    def slots(self) -> list[Slot]:
        """One, of a node; this machine need not have what that has."""
        return [Slot()]

    def _task(self, unit: Unit, entry: Entry) -> Task:
        cpus = self.cluster.ask(entry.stage).cpus or 1
        threads = max(1, cpus // max(1, unit.request.gpus))
        request = unit.request.model_copy(update={"threads": threads})
        file = self.ledger.request_file(entry)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(request.model_dump_json(indent=1))
        return Task(
            key=entry.key,
            request=str(file),
            folder=str(unit.folder),
            requeues=self.cluster.requeues,
        )

    def _parameters(self, array: Array) -> dict[str, Any]:
        ask, layout = self.cluster.ask(array.stage), array.units[0].request.layout
        if ask.gpus is None:  # what is a single process takes one where others take several
            ask = ask.model_copy(update={"gpus": layout.gpus or min(1, self.layout.gpus)})
        made = parameters(ask, self.cluster, layout)
        made["job_name"] = array.entries[0].name
        if waits := array.dependency:
            made["dependency"] = waits
        return made


def _without(units: list[Unit], live: list[Entry]) -> tuple[list[Unit], int]:
    """Leaves out what is in the queue.

    Returns:
        What is left, and how many pretrainings and jobs are not.
    """
    covered = {cover for entry in live for cover in entry.covers}
    left, there = [], 0
    for unit in units:
        if unit.request.kind == "pretrain":
            if unit.request.recipe.name in covered:
                there += 1
            else:
                left.append(unit)
            continue
        jobs = tuple(job for job in unit.request.jobs if job_name(job) not in covered)
        there += len(unit.request.jobs) - len(jobs)
        if jobs:
            unit.request = unit.request.model_copy(update={"jobs": jobs})
            left.append(unit)
    return left, there


def _not_again(
    entries: list[Entry], live: set[str], arrays: list[Array], where: dict[str, Place]
) -> list[Entry]:
    """The entries to keep: what is in the queue, and how the others ended, until they go again."""
    again = {cover for array in arrays for entry in array.entries for cover in entry.covers}
    kept = []
    for entry in entries:
        if entry.key not in live and (again & set(entry.covers) or entry.slurm is None):
            continue
        place = where.get(entry.key)
        if place is not None and place.over:
            entry.ended = place.state
        kept.append(entry)
    return kept


def parameters(ask: Ask, cluster: Cluster, layout: Layout) -> dict[str, Any]:
    """What sbatch is told of a stage, in submitit's names.

    Args:
        ask: What the stage asks for.
        cluster: The whole file.
        layout: Processes of one job of it.
    """
    tasks = layout.gpus if layout.launcher == "slurm" else 1
    further: dict[str, str | int | bool] = {
        "signal": f"USR1@{cluster.warning}",
        "requeue": True,
        "kill-on-invalid-dep": "yes",
    }
    if ask.memory:
        further["mem"] = ask.memory
    srun = ["--kill-on-bad-exit=1"]
    cpus = None
    if ask.cpus:
        cpus = max(1, ask.cpus // tasks)
        srun.append(f"--cpus-per-task={cpus}")  # srun no longer takes it from sbatch
    carried = {k: v for k, v in os.environ.items() if k.startswith("MRCL_BENCH_")}
    if "PYTHONPATH" in os.environ:
        carried["PYTHONPATH"] = os.environ["PYTHONPATH"]
    # A folder called mrcl_bench in the current directory must not stand in for ours.
    carried["PYTHONSAFEPATH"] = "1"
    made = {
        "partition": ask.partition,
        "account": ask.account,
        "qos": ask.qos,
        "constraint": ask.constraint,
        "time": ask.time,
        "nodes": layout.nodes,
        "ntasks_per_node": tasks,
        "cpus_per_task": cpus,
        "gpus_per_node": ask.gpus or None,
        "array_parallelism": ask.at_once or cluster.max_array,
        "setup": [*(f"export {k}={shlex.quote(v)}" for k, v in carried.items()), *cluster.setup],
        "srun_args": srun,
        "additional_parameters": {**further, **ask.options},
    }
    return {name: value for name, value in made.items() if value is not None}


def describe(array: Array, made: dict[str, Any]) -> str:
    """One line on an array: what, how many, and what Slurm is asked for."""
    count = len(array.units)
    hidden = ("setup", "srun_args", "array_parallelism", "job_name", "additional_parameters")
    shown = {name: value for name, value in made.items() if name not in hidden}
    shown |= made["additional_parameters"]
    options = " ".join(f"--{name.replace('_', '-')}={value}" for name, value in shown.items())
    what = array.units[0].request.title if count == 1 else f"{count} jobs"
    token = array.entries[0].array
    return f"  {array.stage:<8} {what}  [{token}]  {options}"


def submit(tasks: list[Task], made: dict[str, Any], folder: Path) -> list[str]:
    """Hands tasks to Slurm with one call of sbatch.

    Returns:
        Slurm's ids, in the order of the tasks.

    Raises:
        BenchError: Slurm refuses.
    """
    import submitit

    try:
        executor = submitit.SlurmExecutor(folder=folder)
        executor.update_parameters(**{"time": None, **made})
        jobs = executor.submit_array(tasks)
    except (RuntimeError, OSError) as error:
        last = str(error).strip().splitlines()[-1:]
        raise BenchError(
            f"sbatch refuses: {' '.join(last)}",
            "Mend cluster.toml; what was submitted before stays in the queue.",
        ) from None
    return [str(job.job_id) for job in jobs]


def _require_submitit() -> None:
    try:
        import submitit  # noqa: F401
    except ModuleNotFoundError:
        raise BenchError("--executor slurm needs submitit.", _SUBMITIT) from None
