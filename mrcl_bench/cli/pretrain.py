"""``mrcl-bench pretrain``."""

from __future__ import annotations

from typing import Literal

from .options import (
    AllowBrokenOption,
    ChangedCodeOption,
    ConfigsOption,
    ForceOption,
    GpusOption,
    JobsOption,
    KeepBatchOption,
    LauncherOption,
    NodesOption,
    ProfileOption,
    RecipeOption,
    SwitchOption,
    TrustOption,
    make_planner,
    manner,
    waiting_for_data,
)


def pretrain(
    profile: ProfileOption = "tiny",
    recipe: RecipeOption = None,
    jobs: JobsOption = None,
    gpus: GpusOption = 0,
    nodes: NodesOption = 1,
    launcher: LauncherOption = "none",
    keep_batch: KeepBatchOption = True,
    switch: SwitchOption = None,
    configs: ConfigsOption = None,
    trust_config: TrustOption = False,
    changed_code: ChangedCodeOption = False,
    allow_broken_images: AllowBrokenOption = False,
    force: ForceOption = False,
) -> None:
    """Pretrain recipes and convert their weights; what is there is kept."""
    from dataclasses import replace

    from rich.console import Console

    from ..run import MatrixRunner

    planner = make_planner(profile, configs, changed_code)
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
    how = manner(launcher, gpus, nodes, keep_batch, allow_broken_images, switch)
    again: Literal["pretrain"] | None = "pretrain" if force else None
    runner = MatrixRunner(planner, console, jobs, how, again)
    runner.run(plan, pretrain_only=True)
    blocked = [step for step in plan.pretrainings if step.state == "blocked"]
    if blocked:
        raise waiting_for_data(planner, replace(plan, jobs=()), f"{len(blocked)} recipes wait")
