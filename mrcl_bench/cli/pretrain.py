"""``mrcl-bench pretrain``."""

from __future__ import annotations

from .options import (
    ConfigsOption,
    ForceOption,
    GpusOption,
    JobsOption,
    LauncherOption,
    ProfileOption,
    RecipeOption,
    make_planner,
    processes,
)


def pretrain(
    profile: ProfileOption = "tiny",
    recipe: RecipeOption = None,
    jobs: JobsOption = None,
    gpus: GpusOption = 0,
    launcher: LauncherOption = "none",
    configs: ConfigsOption = None,
    force: ForceOption = False,
) -> None:
    """Pretrain recipes and convert their weights; what is there is kept."""
    from dataclasses import replace

    from rich.console import Console

    from ..errors import BenchError
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
    MatrixRunner(planner, console, jobs, processes(launcher, gpus)).run(plan, pretrain_only=True)
    blocked = [step for step in plan.pretrainings if step.state == "blocked"]
    if blocked:
        raise BenchError(f"{len(blocked)} recipes wait for data.", blocked_cure(planner, blocked))


def blocked_cure(planner: object, blocked: object) -> str:
    """What to do about data that is missing."""
    from ..errors import BenchError
    from ..plan import Planner, Step

    assert isinstance(planner, Planner)
    cures = []
    for step in blocked:  # type: ignore[attr-defined]
        assert isinstance(step, Step)
        data = planner.data(step.recipe.data)
        if isinstance(data, BenchError) and data.cure not in cures:
            cures.append(data.cure)
    return " ".join(cures)
