"""Finds the job that somebody means: by its name, by a part of it, or by Slurm's number."""

from __future__ import annotations

from pathlib import Path

from ..errors import EXIT_USAGE, BenchError, unknown_name
from ..profiles import Profile
from ..workspace import Workspace
from .ledger import Entry, Ledger


def entries_of(words: list[str], ledger: Ledger) -> list[Entry]:
    """The submitted units that words mean.

    Args:
        words: Each a Slurm id (``123``, ``123_4``), a recipe, or ``recipe/protocol/seedN`` or the
            beginning of that. A recipe means its pretraining and all its jobs.
        ledger: What was submitted.

    Raises:
        BenchError: A word means nothing.
    """
    entries = ledger.read()
    chosen: dict[str, Entry] = {}
    for word in words:
        found = [entry for entry in entries if _is_meant(word, entry)]
        if not found:
            known = {cover for entry in entries for cover in entry.covers}
            raise unknown_name("submitted job", word, known | {e.slurm for e in entries if e.slurm})
        chosen |= {entry.key: entry for entry in found}
    return list(chosen.values())


def _is_meant(word: str, entry: Entry) -> bool:
    if entry.slurm is not None and word in (entry.slurm, entry.slurm.partition("_")[0]):
        return True
    return any(cover == word or cover.startswith(f"{word}/") for cover in entry.covers)


def logs_of(word: str, workspace: Workspace, profile: Profile) -> list[Path]:
    """The log files of a job, the worker's own first.

    Args:
        word: As for `entries_of`; of what ran without Slurm, its name.
        workspace: Where it ran.
        profile: The profile.

    Raises:
        BenchError: There is no such job, it has no log yet, or the word means several.
    """
    ledger = Ledger(workspace, profile)
    folders = _folders(workspace, profile)
    meant = [entry for entry in ledger.read() if _is_meant(word, entry)]
    exact = [entry for entry in meant if word in entry.covers or word == entry.slurm]
    chosen = {workspace.runs / entry.folder for entry in exact or meant}
    if word in folders:
        chosen = {folders[word]}
    if not chosen:
        raise unknown_name("job", word, {*folders, *(c for e in ledger.read() for c in e.covers)})
    if len(chosen) > 1:
        shown = ", ".join(sorted(str(path.relative_to(workspace.runs)) for path in chosen)[:10])
        raise BenchError(f"'{word}' means several jobs: {shown}.", "Name one of them.", EXIT_USAGE)
    (folder,) = chosen
    files = [folder / "log.txt", *sorted(folder.glob("log-*.txt"))]
    for entry in exact or meant:
        if workspace.runs / entry.folder == folder and entry.slurm is not None:
            files += sorted((ledger.folder / entry.array).glob(f"{entry.slurm}_*_log.*"))
    there = [path for path in files if path.is_file() and path.stat().st_size]
    if not there:
        raise BenchError(
            f"{word} has no log yet.", "It has not started: mrcl-bench status says why."
        )
    return there


def _folders(workspace: Workspace, profile: Profile) -> dict[str, Path]:
    """All folders of workers by name: ``recipe``, ``recipe/protocol/seedN``, ``recipe/probes``."""
    found = {}
    for kind in ("pretrain", "jobs"):
        top = workspace.runs / kind / profile
        for log in top.rglob("log.txt"):
            found[log.parent.relative_to(top).as_posix()] = log.parent
    return found
