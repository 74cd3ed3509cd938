"""``mrcl-bench explain`` and ``mrcl-bench diff``: where numbers came from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import ConfigsOption, TrustOption

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..compare import Results
    from ..errors import BenchError
    from ..provenance.configs import Configs
    from ..report import View

ResultsOption = Annotated[
    Path | None, typer.Option("--results", help="Results folder.", show_default="results")
]
OnlyProfileOption = Annotated[str | None, typer.Option("--profile", help="Only this profile.")]
_CELL = "profile/recipe/protocol, or a record's path"


def explain(
    cell: Annotated[list[str], typer.Argument(help=f"{_CELL}; or recipe and protocol.")],
    results: ResultsOption = None,
    profile: OnlyProfileOption = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Only this seed.")] = None,
    configs: ConfigsOption = None,
    trust_config: TrustOption = False,
) -> None:
    """Say where a number came from: records, hashes, environment, neighbours, commands."""
    from ..provenance.cells import locate
    from ..report import explain as tables

    commands: list[str] = []

    def views(loaded: Results, kept: Configs) -> list[View]:
        found = locate(loaded, cell, seed)
        commands.extend(record.command for record in found.records.values())
        return tables.explain(loaded, found, kept)

    problems = _show(results, profile, configs, views)
    typer.echo(f"To make it again ({tables.AGAIN})")
    for command in commands:  # whole lines, to be copied
        # A record is not trusted: no sign of its own may steer the terminal.
        typer.echo(f"  {command if command.isprintable() else ascii(command)}")
    _end(problems)


def diff(
    first: Annotated[str, typer.Argument(metavar="A", help=_CELL)],
    second: Annotated[str, typer.Argument(metavar="B", help="The same.")],
    results: ResultsOption = None,
    profile: OnlyProfileOption = None,
    configs: ConfigsOption = None,
    trust_config: TrustOption = False,
) -> None:
    """Show what differs between two records: resolved configs, data, weights, environment."""
    from ..provenance.cells import locate
    from ..report import explain as tables

    def views(loaded: Results, kept: Configs) -> list[View]:
        return tables.diff(locate(loaded, [first]), locate(loaded, [second]), kept)

    _end(_show(results, profile, configs, views))


def _show(
    results: Path | None,
    profile: str | None,
    more: Path | None,
    views: Callable[[Results, Configs], list[View]],
) -> Sequence[BenchError]:
    from ..compare import load
    from ..provenance.configs import Configs
    from ..report import terminal
    from ..workspace import Workspace

    loaded = load(results or Workspace.current().results, profile)
    terminal.show(views(loaded, Configs(loaded.root, more)), terminal.console())
    return loaded.problems


def _end(problems: Sequence[BenchError]) -> None:
    """Says what was left out and leaves with the exit code for it."""
    from ..errors import EXIT_FAILED
    from .compare import report_problems

    if problems:
        report_problems(problems)
        raise typer.Exit(EXIT_FAILED)
