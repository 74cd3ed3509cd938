"""``mrcl-bench pretrain``."""

from __future__ import annotations

from .options import (
    ConfigsOption,
    ForceOption,
    GpusOption,
    JobsOption,
    KeepBatchOption,
    LauncherOption,
    ProfileOption,
    RecipeOption,
    SwitchOption,
    TrustOption,
    make_planner,
    processes,
    waiting_for_data,
)


def pretrain(
    profile: ProfileOption = "tiny",
    recipe: RecipeOption = None,
    jobs: JobsOption = None,
    gpus: GpusOption = 0,
    launcher: LauncherOption = "none",
    keep_batch: KeepBatchOption = True,
    switch: SwitchOption = None,
    configs: ConfigsOption = None,
    trust_configs: TrustOption = False,
    force: ForceOption = False,
) -> None:
    """Pretrain recipes and convert their weights; what is there is kept."""
    from dataclasses import replace

    from rich.console import Console

    from ..run import MatrixRunner

    planner = make_planner(profile, configs)
    plan = planner.plan(recipe or [], [])
    if force:
        steps = tuple(
            replace(step, state="todo") if step.state == "done" else step
            for step in plan.pretrainings
        )
        plan = replace(plan, pretrainings=steps)
    console = Console()
    for step in plan.pretrainings:
        if step.state != "todo":
            console.print(f"  {step.recipe.name}: {step.state} ({step.reason})", highlight=False)
    workers, switches = processes(launcher, gpus), tuple(switch or ())
    runner = MatrixRunner(planner, console, jobs, workers, keep_batch, switches)
    runner.run(plan, pretrain_only=True)
    blocked = [step for step in plan.pretrainings if step.state == "blocked"]
    if blocked:
        raise waiting_for_data(planner, replace(plan, jobs=()), f"{len(blocked)} recipes wait")
