"""``mrcl-bench status``."""

from __future__ import annotations

from .options import ConfigsOption, ProfileOption, TrustOption, make_planner


def status(
    profile: ProfileOption = "tiny",
    configs: ConfigsOption = None,
    trust_configs: TrustOption = False,
) -> None:
    """Show which checkpoints and records are there, failed or missing, and what Slurm has."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from ..cluster.view import rows

    planner = make_planner(profile, configs)
    made = planner.plan([], [])
    families = list(dict.fromkeys(step.job.protocol.family for step in made.jobs))
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("recipe", overflow="fold")
    table.add_column("checkpoint")
    for family in families:
        table.add_column(family, justify="right")
    for pretraining in made.pretrainings:
        cells = []
        for family in families:
            steps = [
                step
                for step in made.jobs
                if step.recipe == pretraining.recipe and step.job.protocol.family == family
            ]
            done = sum(step.state == "done" for step in steps)
            bad = sum(step.reason.startswith("failed") for step in steps)
            cells.append(f"{done}/{len(steps)}" + (f" ({bad} failed)" if bad else ""))
        state = "yes" if pretraining.state == "done" else pretraining.reason
        table.add_row(pretraining.recipe.display, state, *cells)
    console = Console()
    console.print(table)
    if submitted := rows(planner.workspace, planner.profile):
        queue = Table(box=None, pad_edge=False, header_style="bold")
        for head in ("in Slurm", "n", "state", "why"):
            queue.add_column(head, overflow="fold")
        for row in submitted:
            queue.add_row(*map(escape, row))
        console.print()
        console.print(queue)
