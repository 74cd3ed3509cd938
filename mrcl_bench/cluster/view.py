"""What of a profile is in Slurm's queue, and what has left it without a result."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from ..errors import BenchError
from ..pretrain import status_path
from ..profiles import Profile
from ..workspace import Workspace
from .ledger import Entry, Ledger
from .queue import Place, places

Row = tuple[str, str, str, str]
"""What, how many, state, why."""


def rows(workspace: Workspace, profile: Profile) -> list[Row]:
    """Describes the units that were submitted and have left no result yet.

    Args:
        workspace: Where they work.
        profile: The profile.

    Returns:
        What runs, one row each; what waits, folded by stage and reason; what ended with neither a
        result nor a failure that anybody wrote down. Empty where nothing was ever submitted.
    """
    ledger = Ledger(workspace, profile)
    try:
        submitted = ledger.read()
        entries = [e for e in submitted if not _left_something(e, workspace, profile)]
        where = places(entries)
    except BenchError as error:
        return [("Slurm's queue", "", "unknown", str(error))]
    runs: list[Row] = []
    waits: dict[tuple[str, str, str], list[Entry]] = {}
    lost: list[Row] = []
    for entry in entries:
        place = where.get(entry.key)
        if place is None or place.over:
            lost.append((entry.title, "1", "ended", _why(entry, place)))
        elif place.waits:
            key = (entry.stage, "queued", _reason(place))
            waits.setdefault(key, []).append(entry)
        else:
            state = "running" if place.state == "RUNNING" else place.state.lower()
            runs.append((entry.title, "1", state, f"job {place.slurm}"))
    folded: list[Row] = [
        (found[0].title if len(found) == 1 else stage, str(len(found)), state, why)
        for (stage, state, why), found in waits.items()
    ]
    return runs + folded + lost


def _reason(place: Place) -> str:
    return {
        "": "",
        "Dependency": "waits for its pretraining",
        "BeginTime": "goes on after an interruption",
        "DependencyNeverSatisfied": "its pretraining failed",
    }.get(place.reason, place.reason)


def _why(entry: Entry, place: Place | None) -> str:
    state = place.state if place is not None else entry.ended
    if entry.slurm is None and place is None:
        return "never reached Slurm"
    said = f"Slurm says {state}" if state else "Slurm no longer knows it"
    return f"{said}; the same command submits it again"


def _left_something(entry: Entry, workspace: Workspace, profile: Profile) -> bool:
    """Whether each thing that it was to make is there, or a failure, from after its submission."""
    since = datetime.fromisoformat(entry.submitted).timestamp()
    for cover in entry.covers:
        if entry.stage == "pretrain":
            files = [
                workspace.checkpoint_dir(profile, cover) / "manifest.json",
                status_path(workspace, profile, cover),
            ]
        else:
            recipe, protocol, seed = cover.rsplit("/", 2)
            number = int(seed.removeprefix("seed"))
            files = [workspace.record_path(profile, recipe, protocol, number)]
        if not any(_is_newer(path, since) for path in files):
            return False
    return True


def _is_newer(path: Path, since: float) -> bool:
    try:
        return path.stat().st_mtime >= since
    except OSError:
        return False
