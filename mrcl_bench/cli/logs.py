"""``mrcl-bench logs``."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Annotated

import typer

from .options import ProfileOption

if TYPE_CHECKING:
    from ..profiles import Profile


def logs(
    job: Annotated[
        str,
        typer.Argument(help="A recipe, recipe/protocol/seedN, recipe/probes, or Slurm's job id."),
    ],
    profile: ProfileOption = "tiny",
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=1, help="Last lines of each log.")
    ] = 40,
    path: Annotated[bool, typer.Option("--path", help="Print only where they lie.")] = False,
) -> None:
    """Show what a pretraining or job has said, here or on a node of Slurm's."""
    from ..cluster.find import logs_of
    from ..workspace import Workspace

    chosen: Profile = profile  # type: ignore[assignment]
    for number, file in enumerate(logs_of(job, Workspace.current(), chosen)):
        if path:
            typer.echo(file)
            continue
        with file.open(errors="replace") as text:
            tail = deque(text, maxlen=lines)
        typer.echo(("\n" if number else "") + f"==> {file} <==\n" + "".join(tail).rstrip("\n"))
