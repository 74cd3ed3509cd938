"""``mrcl-bench status``."""

from __future__ import annotations

from .options import ConfigsOption, ProfileOption, TrustOption, make_planner


def status(
    profile: ProfileOption = "tiny",
    configs: ConfigsOption = None,
    trust_config: TrustOption = False,
) -> None:
    """Show what is there, at work here or in Slurm, failed and why, or missing."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from ..cluster.view import rows as in_slurm
    from ..underway import at_work, failures

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
    for title, rows in (
        (("at work", "step", "left", "where"), list(at_work(planner.workspace, profile))),
        (("in Slurm", "n", "state", "why"), list(in_slurm(planner.workspace, planner.profile))),
        (("failed or stopped", "why"), list(failures(planner, made))),
    ):
        if rows:
            further = Table(box=None, pad_edge=False, header_style="bold")
            for head in title:
                further.add_column(head, overflow="fold")
            for row in rows:
                further.add_row(*map(escape, row))
            console.print()
            console.print(further)
