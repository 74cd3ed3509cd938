"""``mrcl-bench plan``, ``run`` and ``eval``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from .options import (
    ConfigsOption,
    ForceOption,
    GpusOption,
    JobsOption,
    LauncherOption,
    ProfileOption,
    ProtocolOption,
    RecipeOption,
    SeedOption,
    make_planner,
    processes,
    waiting_for_data,
)


class EvalTask(StrEnum):
    """Short names of tasks."""

    cls = "cls"
    det = "det"
    seg = "seg"


_TASKS = {"cls": "classification", "det": "detection", "seg": "segmentation"}


def plan(
    profile: ProfileOption = "tiny",
    recipe: RecipeOption = None,
    protocol: ProtocolOption = None,
    seed: SeedOption = None,
    configs: ConfigsOption = None,
) -> None:
    """Show what a run would do and why, without doing it."""
    from rich.console import Console
    from rich.table import Table

    from ..run import summary

    planner = make_planner(profile, configs)
    made = planner.plan(recipe or [], protocol or [], seed)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("what", overflow="fold")
    table.add_column("state")
    table.add_column("n", justify="right")
    table.add_column("why", overflow="fold")
    for row in summary(made):
        table.add_row(*row)
    console = Console()
    console.print(table)
    todo = sum(step.state == "todo" for step in made.jobs)
    console.print(
        f"{len(made.needed_pretrainings())} pretrainings and {todo} of {len(made.jobs)} jobs to do",
        highlight=False,
    )
    for error in planner.missing_data(made):
        console.print(
            f"\n{error.what.rstrip()}\n  cure: {error.cure}", highlight=False, markup=False
        )


def run(
    profile: ProfileOption = "tiny",
    recipe: RecipeOption = None,
    protocol: ProtocolOption = None,
    seed: SeedOption = None,
    jobs: JobsOption = None,
    gpus: GpusOption = 0,
    launcher: LauncherOption = "none",
    configs: ConfigsOption = None,
    force: ForceOption = False,
) -> None:
    """Run the matrix recipes x protocols x seeds; what has a valid record is skipped."""
    _run(profile, recipe, protocol, seed, jobs, gpus, launcher, configs, force)


def evaluate(
    task: Annotated[EvalTask, typer.Argument(help="Task to evaluate.")],
    profile: ProfileOption = "tiny",
    recipe: RecipeOption = None,
    protocol: ProtocolOption = None,
    seed: SeedOption = None,
    jobs: JobsOption = None,
    gpus: GpusOption = 0,
    launcher: LauncherOption = "none",
    configs: ConfigsOption = None,
    force: ForceOption = False,
) -> None:
    """Evaluate checkpoints on one task (pretrains what is not there yet)."""
    wanted = _TASKS[task.value]
    _run(profile, recipe, protocol, seed, jobs, gpus, launcher, configs, force, wanted)


def _run(
    profile: str,
    recipe: list[str] | None,
    protocol: list[str] | None,
    seed: list[int] | None,
    jobs: int | None,
    gpus: int,
    launcher: str,
    configs: Path | None,
    force: bool,
    task: str | None = None,
) -> None:
    from rich.console import Console

    from ..errors import EXIT_USAGE, BenchError
    from ..run import MatrixRunner

    planner = make_planner(profile, configs)
    wanted = list(protocol or [])
    if task is not None:
        chosen = planner.catalog.select_protocols(planner.profile, wanted)
        wanted = [found.name for found in chosen if found.task == task]
        if not wanted:
            raise BenchError(
                f"no protocol of profile {profile} is for {task}.",
                "`mrcl-bench plan` lists what there is.",
                EXIT_USAGE,
            )
    made = planner.plan(recipe or [], wanted, seed, force)
    console = Console()
    counts = {state: sum(s.state == state for s in made.jobs) for state in ("done", "todo")}
    blocked = [step for step in made.jobs if step.state == "blocked"]
    console.print(
        f"profile {profile}: {len(made.needed_pretrainings())} pretrainings and "
        f"{counts['todo']} jobs to do, {counts['done']} jobs done"
        + (f", {len(blocked)} blocked" if blocked else ""),
        highlight=False,
    )
    reasons: dict[str, int] = {}
    for step in made.jobs:
        if step.state == "todo":
            reasons[step.reason] = reasons.get(step.reason, 0) + 1
    for reason, count in reasons.items():
        console.print(f"  {count} x {reason}", highlight=False)
    MatrixRunner(planner, console, jobs, processes(launcher, gpus)).run(made)
    if blocked:
        raise waiting_for_data(planner, made, f"{len(blocked)} jobs wait")
