"""``mrcl-bench eval``: checkpoints of recipes, or weights from anywhere, under the protocols."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from ..errors import EXIT_USAGE, BenchError
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
    ProtocolOption,
    RecipeOption,
    SeedOption,
    SwitchOption,
    TogetherOption,
    TrustOption,
    make_planner,
    manner,
)
from .weights import (
    ChannelsOption,
    Encoder,
    EncoderOption,
    HeadsOption,
    MeanOption,
    SourceOption,
    StdOption,
    VerifyOption,
    busy,
    given,
    summary,
)

if TYPE_CHECKING:
    from ..catalog import Catalog
    from ..profiles import Profile
    from ..spec import Protocol


class EvalTask(StrEnum):
    """Short names of tasks."""

    cls = "cls"
    det = "det"
    seg = "seg"


_TASKS = {"cls": "classification", "det": "detection", "seg": "segmentation"}


def evaluate(
    task: Annotated[
        Optional[EvalTask],  # noqa: UP045 - typer reads this at run time
        typer.Argument(help="Task to evaluate; with --weights, all tasks if none is named."),
    ] = None,
    weights: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(help="Weights from anywhere, instead of recipes' checkpoints."),
    ] = None,
    name: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            help="Name of the weights in tables; alone: weights that were given before.",
            show_default="the file's",
        ),
    ] = None,
    task_option: Annotated[
        Optional[EvalTask],  # noqa: UP045
        typer.Option("--task", help="The same as the argument TASK."),
    ] = None,
    profile: ProfileOption = "tiny",
    recipe: RecipeOption = None,
    protocol: ProtocolOption = None,
    seed: SeedOption = None,
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
    together: TogetherOption = False,
    force: ForceOption = False,
    algorithm: Annotated[str, typer.Option(help="Algorithm that trained the weights.")] = "foreign",
    source: SourceOption = None,
    encoder: EncoderOption = Encoder.online,
    heads: HeadsOption = None,
    mean: MeanOption = None,
    std: StdOption = None,
    channels: ChannelsOption = None,
    verify: VerifyOption = True,
) -> None:
    """Evaluate checkpoints on one task (pretrains what is not there yet), or any weights file.

    With --weights, the file is converted, and all protocols of the profile whose backbone has its
    architecture judge it. Its records stand beside the recipes' in `mrcl-bench compare`.
    """
    from ..foreign import adopt, check_name, choose, kept, name_of, stand_ins
    from .run import run_plan

    chosen_task = _one_task(task, task_option)
    foreign = weights is not None or name is not None
    if not foreign and chosen_task is None:
        raise BenchError(
            "Missing argument: a TASK (cls, det or seg), or --weights FILE.",
            "Type: mrcl-bench eval cls, or: mrcl-bench eval --weights FILE",
            EXIT_USAGE,
        )
    how = manner(launcher, gpus, nodes, keep_batch, allow_broken_images, switch, together)
    planner = make_planner(profile, configs, changed_code)
    told = given(mean, std, channels, heads)
    judged = _protocols(planner.catalog, planner.profile, protocol or [], chosen_task)
    if not foreign:
        names = [found.name for found in judged]
        made = planner.plan(recipe or [], names, seed, force)
        run_plan(planner, made, jobs, how, force)
        return
    if recipe:
        raise BenchError(
            "--recipe and --weights do not go together.",
            "Evaluate recipes with a command of their own.",
            EXIT_USAGE,
        )
    if weights is None and (
        source or told != given(None, None, None, None) or encoder is not Encoder.online
    ):
        raise BenchError(
            "--from, --encoder, --heads, --mean, --std and --channels are for --weights FILE.",
            f"Give the file again: mrcl-bench eval --weights FILE --name {name}",
            EXIT_USAGE,
        )
    called = name or name_of(weights)  # type: ignore[arg-type]
    check_name(called, planner.catalog)
    if weights is None:
        manifest = kept(planner.workspace, planner.profile, called)
    else:
        with busy(f"converting {weights.name}"):
            manifest = adopt(
                weights,
                planner.workspace,
                planner.profile,
                called,
                algorithm=algorithm,
                source=source,
                which=encoder.value,
                given=told,
                verify=verify,
                force=force,
                say=typer.echo,
            )
        typer.echo("\n".join(summary(manifest)))
    folder = planner.workspace.checkpoint_dir(planner.profile, called)
    with busy(f"looking through {len(judged)} protocols"):
        fitting = choose(manifest, folder, judged, planner.profile)
    left = len(judged) - len(fitting)
    typer.echo(
        f"{'protocols':<13} {', '.join(dict.fromkeys(found.family for found in fitting))}"
        + (f"; {left} are for other backbones" if left else "")
    )
    rows = stand_ins(manifest, fitting, planner.profile)
    made = planner.plan_for(rows, fitting, seed, force)
    run_plan(planner, made, jobs, how, force)
    typer.echo(f"`mrcl-bench compare --profile {profile}` shows the row {called}.")


def _one_task(argument: EvalTask | None, option: EvalTask | None) -> str | None:
    if argument is not None and option is not None and argument != option:
        raise BenchError(
            f"two tasks: {argument.value} and --task {option.value}.", "Name one.", EXIT_USAGE
        )
    word = argument or option
    return None if word is None else _TASKS[word.value]


def _protocols(
    catalog: Catalog, profile: Profile, wanted: list[str], task: str | None
) -> list[Protocol]:
    chosen = catalog.select_protocols(profile, wanted)
    found = [protocol for protocol in chosen if task in (None, protocol.task)]
    if not found:
        what = f"for {task}" if task else "there"
        raise BenchError(
            f"no protocol of profile {profile} is {what}.",
            "`mrcl-bench plan` lists what there is.",
            EXIT_USAGE,
        )
    return found
