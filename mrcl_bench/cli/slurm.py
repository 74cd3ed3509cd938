"""``mrcl-bench run --executor slurm``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from .options import waiting_for_data
from .run import tell

if TYPE_CHECKING:
    from ..engine.manner import Manner
    from ..plan import Plan, Planner


def submit_plan(
    planner: Planner, made: Plan, cluster: Path | None, how: Manner, force: bool, dry_run: bool
) -> None:
    """Says what a plan has to do, and hands it to Slurm.

    Args:
        planner: The planner that made the plan.
        made: The plan.
        cluster: File that says what to ask Slurm for.
        how: How pretrainings and jobs are run.
        force: Whether jobs that are done are done again.
        dry_run: Only say what would be submitted.

    Raises:
        BenchError: The options do not go together, Slurm refuses, or something waits for data.
    """
    from rich.console import Console

    from ..cluster.settings import read_cluster
    from ..cluster.submit import SlurmRunner

    asked = read_cluster(cluster, planner.workspace.root)
    console = Console()
    blocked = tell(console, planner, made)
    again: Literal["evaluate"] | None = "evaluate" if force else None
    SlurmRunner(planner, console, asked, how, again, dry_run).run(made)
    if blocked:
        raise waiting_for_data(planner, made, f"{blocked} jobs wait")
