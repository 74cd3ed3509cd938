"""``mrcl-bench run --executor slurm``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import EXIT_USAGE, BenchError, unknown_name
from .options import waiting_for_data
from .run import tell

if TYPE_CHECKING:
    from ..plan import Plan, Planner

_LAUNCHERS = ("none", "pytorch", "slurm")


def submit_plan(
    planner: Planner,
    made: Plan,
    cluster: Path | None,
    launcher: str,
    gpus: int,
    nodes: int,
    keep_batch: bool,
    dry_run: bool,
) -> None:
    """Says what a plan has to do, and hands it to Slurm.

    Args:
        planner: The planner that made the plan.
        made: The plan.
        cluster: File that says what to ask Slurm for.
        launcher: What starts the processes of one run on its nodes.
        gpus: Processes per node; 0 for a single one.
        nodes: Nodes per run.
        keep_batch: Whether the total batch is the one that a config's name says.
        dry_run: Only say what would be submitted.

    Raises:
        BenchError: The options do not go together, Slurm refuses, or something waits for data.
    """
    from rich.console import Console

    from ..cluster.settings import read_cluster
    from ..cluster.submit import Shape, SlurmRunner

    if launcher not in _LAUNCHERS:
        raise unknown_name("launcher", launcher, _LAUNCHERS)
    if (launcher == "none") != (gpus == 0) or (nodes > 1 and not gpus):
        raise BenchError(
            "--launcher, --gpus N and --nodes M go together.",
            "For four nodes with eight GPUs each: --launcher pytorch --gpus 8 --nodes 4.",
            EXIT_USAGE,
        )
    asked = read_cluster(cluster, planner.workspace.root)
    console = Console()
    blocked = tell(console, planner, made)
    shape = Shape(launcher, gpus, nodes)
    SlurmRunner(planner, console, asked, shape, keep_batch, dry_run).run(made)
    if blocked:
        raise waiting_for_data(planner, made, f"{blocked} jobs wait")
