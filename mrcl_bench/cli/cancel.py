"""``mrcl-bench cancel``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Optional

import typer

from ..errors import EXIT_USAGE, BenchError
from .options import ProfileOption

if TYPE_CHECKING:
    from ..profiles import Profile


def cancel(
    jobs: Annotated[
        Optional[list[str]],  # noqa: UP045 - typer reads this at run time
        typer.Argument(help="Recipes, recipe/protocol/seedN or the beginning of it, Slurm's ids."),
    ] = None,
    profile: ProfileOption = "tiny",
    everything: Annotated[
        bool, typer.Option("--all", help="Everything of the profile that is in the queue.")
    ] = False,
) -> None:
    """Take jobs out of Slurm's queue; what runs saves, and the same `run` goes on from there.

    With a pretraining goes what waits for it.
    """
    from ..cluster.find import entries_of
    from ..cluster.ledger import Ledger
    from ..cluster.queue import cancel, places
    from ..workspace import Workspace

    chosen: Profile = profile  # type: ignore[assignment]
    ledger = Ledger(Workspace.current(), chosen)
    if everything == bool(jobs):
        raise BenchError("Name jobs, or say --all.", "mrcl-bench status lists them.", EXIT_USAGE)
    with ledger.locked():
        wanted = ledger.read() if everything else entries_of(jobs or [], ledger)
        live = {key: place for key, place in places(wanted).items() if not place.over}
        cancel([place.slurm for place in live.values()])
    for entry in wanted:
        if entry.key in live:
            typer.echo(f"cancelled {live[entry.key].slurm}: {entry.title}")
    if not live:
        typer.echo("nothing of that is in the queue")
