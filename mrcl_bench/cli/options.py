"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from ..errors import unknown_name
from ..profiles import PROFILES
from ..switches import SWITCHES, check_switches
from ..trust import VARIABLE, trust

if TYPE_CHECKING:
    from ..engine.manner import Manner
    from ..errors import BenchError
    from ..plan import Plan, Planner
    from ..profiles import Profile


def check_profile(value: str) -> str:
    """Validates a profile's name with a did-you-mean."""
    if value not in PROFILES:
        raise unknown_name("profile", value, PROFILES)
    return value


ProfileOption = Annotated[
    str,
    typer.Option(
        "--profile",
        "-p",
        envvar="PROFILE",
        help="Scale: micro, tiny, small or paper.",
        show_default=True,
        callback=check_profile,
    ),
]
RecipeOption = Annotated[
    Optional[list[str]],  # noqa: UP045 - typer reads this at run time
    typer.Option(
        "--recipe",
        "-r",
        help="Recipe, family or algorithm, with @<step> a kept checkpoint; may be given again.",
    ),
]
ProtocolOption = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option("--protocol", help="Protocol, family or task; may be given more than once."),
]
CourseOption = Annotated[
    bool,
    typer.Option("--course", help="Also the checkpoints that recipes keep over their course."),
]
SeedOption = Annotated[
    Optional[list[int]],  # noqa: UP045
    typer.Option("--seed", "-s", min=0, help="Seed; may be given more than once."),
]
JobsOption = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option("--jobs", "-j", min=1, help="Workers at a time (default: by cores)."),
]
GpusOption = Annotated[
    int, typer.Option("--gpus", min=0, help="GPUs (processes) per run and node, with --launcher.")
]
NodesOption = Annotated[
    int, typer.Option("--nodes", min=1, help="Machines per run, inside a Slurm allocation.")
]
LauncherOption = Annotated[
    str, typer.Option("--launcher", help="'none', 'pytorch' (torchrun) or 'slurm' (srun).")
]
KeepBatchOption = Annotated[
    bool,
    typer.Option(
        "--keep-batch/--no-keep-batch",
        help="Keep the total batch that a config's name says (8xb512: 4,096), or refuse.",
    ),
]
SwitchOption = Annotated[
    Optional[list[str]],  # noqa: UP045
    typer.Option(
        "--switch",
        callback=check_switches,
        help=f"Train faster: {', '.join(SWITCHES)}; may be given again. Records and tables say so.",
    ),
]
ConfigsOption = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        "--configs",
        help="A further folder of configs; needs --trust-config.",
    ),
]
TrustOption = Annotated[
    bool,
    typer.Option(
        "--trust-config",
        envvar=VARIABLE,
        is_eager=True,
        callback=trust,
        help="The folder of --configs may run: configs are Python and can do whatever you can.",
    ),
]
AllowBrokenOption = Annotated[
    bool,
    typer.Option(
        "--allow-broken-images",
        help="Leave broken images out instead of stopping; their number stands in the record.",
    ),
]
TogetherOption = Annotated[
    bool,
    typer.Option(
        "--together",
        help="Trained jobs of a recipe and task share a process: fewer imports, no isolation.",
    ),
]
ChangedCodeOption = Annotated[
    bool,
    typer.Option(
        "--changed-code",
        help="Run again what other code of this package than today's made.",
    ),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Run again what is done.")]


def make_planner(profile: str, configs: Path | None, changed_code: bool = False) -> Planner:
    """Builds the planner of the current workspace."""
    from ..catalog import load_catalog
    from ..plan import Planner
    from ..workspace import Workspace

    chosen: Profile = profile  # type: ignore[assignment]
    return Planner(Workspace.current(), load_catalog(configs), chosen, changed_code)


def manner(
    launcher: str,
    gpus: int,
    nodes: int,
    keep_batch: bool,
    allow_broken_images: bool,
    switches: list[str] | None,
    together: bool = False,
) -> Manner:
    """What options say about how to run.

    Raises:
        BenchError: They do not go together.
    """
    from ..engine.layout import layout_of
    from ..engine.manner import Manner

    return Manner(
        **layout_of(launcher, gpus, nodes).model_dump(),
        keep_batch=keep_batch,
        allow_broken_images=allow_broken_images,
        switches=tuple(switches or ()),
        together=together,
    )


def waiting_for_data(planner: Planner, plan: Plan, who: str) -> BenchError:
    """The error that names all data that a plan waits for, and how to get it."""
    from ..errors import BenchError

    missing = planner.missing_data(plan)
    return BenchError(
        f"{who} for data.\n" + "\n".join(error.what.rstrip() for error in missing),
        " ".join(dict.fromkeys(error.cure for error in missing)),
    )
