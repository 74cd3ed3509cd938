"""``mrcl-bench plan`` and ``run``."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Optional

import typer

from ..errors import EXIT_USAGE, BenchError, unknown_name
from .options import (
    AllowBrokenOption,
    ChangedCodeOption,
    ConfigsOption,
    CourseOption,
    ForceOption,
    GpusOption,
    JobsOption,
    KeepBatchOption,
    LauncherOption,
    NodesOption,
    ProfileOption,
    ProtocolOption,
    RecipeOption,
    SeedOption,
    SwitchOption,
    TogetherOption,
    TrustOption,
    make_planner,
    manner,
    waiting_for_data,
)
from .weights import busy

if TYPE_CHECKING:
    from rich.console import Console

    from ..engine.manner import Manner
    from ..plan import Plan, Planner


def plan(
    profile: ProfileOption = "tiny",
    recipe: RecipeOption = None,
    protocol: ProtocolOption = None,
    seed: SeedOption = None,
    course: CourseOption = False,
    configs: ConfigsOption = None,
    trust_config: TrustOption = False,
    changed_code: ChangedCodeOption = False,
    cost: Annotated[
        bool, typer.Option("--cost", help="Estimate hours: from earlier runs here, or --tflops.")
    ] = False,
    tflops: Annotated[
        Optional[float],  # noqa: UP045 - typer reads this at run time
        typer.Option(
            help="Sustained speed of one GPU in TFLOP/s, for --cost of what never ran here.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Show what a run would do and why, without doing it."""
    from rich.console import Console
    from rich.table import Table

    from ..run import summary

    planner = make_planner(profile, configs, changed_code)
    made = planner.plan(recipe or [], protocol or [], seed, course=course)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("what", overflow="fold")
    table.add_column("state")
    table.add_column("n", justify="right")
    table.add_column("why", overflow="fold")
    for row in summary(made):
        table.add_row(*row)
    console = Console()
    console.print(table)
    counts = {
        state: sum(step.state == state for step in made.jobs) for state in ("todo", "blocked")
    }
    console.print(
        f"{len(made.needed_pretrainings())} pretrainings and {counts['todo']} of "
        f"{len(made.jobs)} jobs to do"
        + (f"; {counts['blocked']} jobs wait" if counts["blocked"] else ""),
        highlight=False,
    )
    if cost or tflops is not None:
        _print_cost(console, planner, made, tflops)
    for error in planner.missing_data(made):
        console.print(
            f"\n{error.what.rstrip()}\n  cure: {error.cure}", highlight=False, markup=False
        )


def _print_cost(console: Console, planner: Planner, made: Plan, tflops: float | None) -> None:
    from ..estimate import estimate
    from ..report.costs import lines

    if tflops is not None and tflops <= 0:
        raise BenchError(f"--tflops {tflops:g} is not positive.", "State a speed.", EXIT_USAGE)
    with busy("estimating"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries that miss what no config here uses
        found = estimate(planner, made, tflops)
    for line in lines(found, tflops):
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def run(
    profile: ProfileOption = "tiny",
    recipe: RecipeOption = None,
    protocol: ProtocolOption = None,
    seed: SeedOption = None,
    course: CourseOption = False,
    jobs: JobsOption = None,
    gpus: GpusOption = 0,
    nodes: NodesOption = 1,
    launcher: LauncherOption = "none",
    keep_batch: KeepBatchOption = True,
    switch: SwitchOption = None,
    executor: Annotated[
        str, typer.Option(help="'local': here and now; 'slurm': hand it to Slurm and return.")
    ] = "local",
    cluster: Annotated[
        Optional[Path],  # noqa: UP045 - typer reads this at run time
        typer.Option(
            help="What to ask Slurm for, see docs/cluster.md.", show_default="cluster.toml, if any"
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be submitted to Slurm.")
    ] = False,
    configs: ConfigsOption = None,
    trust_config: TrustOption = False,
    changed_code: ChangedCodeOption = False,
    allow_broken_images: AllowBrokenOption = False,
    together: TogetherOption = False,
    force: ForceOption = False,
) -> None:
    """Run the matrix recipes x protocols x seeds; what has a valid record is skipped.

    With --executor slurm only what is neither there nor in the queue is submitted: the same command
    after any failure submits exactly what is missing.
    """
    if executor not in ("local", "slurm"):
        raise unknown_name("executor", executor, ("local", "slurm"))
    how = manner(launcher, gpus, nodes, keep_batch, allow_broken_images, switch, together)
    planner = make_planner(profile, configs, changed_code)
    made = planner.plan(recipe or [], protocol or [], seed, force, course)
    if executor == "slurm":
        from .slurm import submit_plan

        if jobs is not None:
            raise BenchError(
                "--jobs is for workers on this machine.", "Say at_once in cluster.toml.", EXIT_USAGE
            )
        if together:
            raise BenchError(
                "--together is for workers on this machine.", "Leave it out.", EXIT_USAGE
            )
        submit_plan(planner, made, cluster, how, force, dry_run)
        return
    if cluster is not None or dry_run:
        raise BenchError(
            "--cluster and --dry-run are for --executor slurm.",
            "Leave them out; `mrcl-bench plan` shows what a run would do.",
            EXIT_USAGE,
        )
    run_plan(planner, made, jobs, how, force)


def run_plan(
    planner: Planner,
    made: Plan,
    jobs: int | None,
    how: Manner,
    force: bool = False,
) -> None:
    """Says what a plan has to do, and does it.

    Args:
        planner: The planner that made the plan.
        made: The plan.
        jobs: Workers at a time, by cores if None.
        how: How they are run.
        force: Whether jobs that are done are done again.

    Raises:
        BenchError: Something failed, was interrupted, or waits for data.
    """
    from rich.console import Console

    from ..run import MatrixRunner

    console = Console()
    blocked = tell(console, planner, made)
    again: Literal["evaluate"] | None = "evaluate" if force else None
    MatrixRunner(planner, console, jobs, how, again).run(made)
    if blocked:
        raise waiting_for_data(planner, made, f"{blocked} jobs wait")


def tell(console: Console, planner: Planner, made: Plan) -> int:
    """Says what there is to do, and why; returns how many jobs wait for data."""
    counts = {state: sum(s.state == state for s in made.jobs) for state in ("done", "todo")}
    blocked = [step for step in made.jobs if step.state == "blocked"]
    console.print(
        f"profile {planner.profile}: {len(made.needed_pretrainings())} pretrainings and "
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
    return len(blocked)
