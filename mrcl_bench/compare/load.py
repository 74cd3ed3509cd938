"""Finds, reads and checks the records of a results folder, in one pass."""

from __future__ import annotations

import gc
import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..errors import EXIT_USAGE, BenchError, unknown_name
from ..metrics import METRICS, metric_of
from ..profiles import PROFILES
from ..record import Record, find_records, read_record

_RECORD_NAME = re.compile(r"seed\d+\.json")


@dataclass(frozen=True)
class Results:
    """The good records of a results folder, and what is wrong with the others.

    Attributes:
        root: The results folder (the one that holds ``records/`` and ``tables/``).
        records: Per profile, path to record, sorted by path.
        problems: One error per file that was left out; never silently dropped.
    """

    root: Path
    records: Mapping[str, Mapping[Path, Record]]
    problems: tuple[BenchError, ...] = ()

    def of(self, profile: str) -> tuple[Record, ...]:
        """Returns the records of one profile, sorted by path.

        Raises:
            BenchError: There is no record of that profile.
        """
        if profile not in self.records:
            raise _no_profile(self.root, profile, list(self.records))
        return tuple(self.records[profile].values())


def load(results: Path, profile: str | None = None) -> Results:
    """Reads every record below a results, records or profile folder.

    A file that cannot be read or does not lie where its content says is left
    out and named in `Results.problems`.

    Args:
        results: The results folder, its ``records`` folder or one profile's folder.
        profile: Read only this profile.

    Raises:
        BenchError: The folder holds no records, the profile is unknown or
            absent, or two files hold the same run.
    """
    found, doubled = scan(results, profile)
    if doubled:
        raise doubled[0]
    return found


def scan(results: Path, profile: str | None = None) -> tuple[Results, list[BenchError]]:
    """As `load`, but the error for runs that lie in two files is returned beside the rest."""
    if profile is not None and profile not in PROFILES:
        raise unknown_name("profile", profile, PROFILES)
    root, folders = _locate(results)
    if profile is not None:
        if profile not in folders:
            raise _no_profile(results, profile, list(folders))
        folders = {profile: folders[profile]}

    found: dict[str, dict[Path, Record]] = {}
    problems: list[BenchError] = []
    same_run: dict[tuple[str, str, str, int], list[Path]] = defaultdict(list)
    for name, folder in folders.items():
        found[name] = {}
        with _without_collector():
            read = _read_folder(folder, problems)
        for path, record in read.items():
            same_run[_identity(record)].append(path)
            fault = _fault(record, path, folder)
            if fault is None:
                found[name][path] = record
            else:
                problems.append(fault)
    doubled = _doubled(same_run)
    found = {name: records for name, records in found.items() if records}
    if not found and not problems:
        raise _no_records(results)
    return Results(root, found, tuple(problems)), doubled


@contextmanager
def _without_collector() -> Iterator[None]:
    """Pauses the search for cycles: records have none, and thousands of them slow it down."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _locate(given: Path) -> tuple[Path, dict[str, Path]]:
    """Returns the results root and the folder of each profile that is there."""
    if not given.is_dir():
        what = "is not a folder" if given.exists() else "does not exist"
        raise BenchError(
            f"results folder {given} {what}.",
            "Give the folder that holds records/<profile>/<recipe>/<protocol>/seed<k>.json, "
            "or make records first: mrcl-bench run",
            EXIT_USAGE,
        )
    given = given.resolve()
    if (given / "records").is_dir():
        root, records = given, given / "records"
    elif given.name in PROFILES:
        return given.parent.parent, {given.name: given}
    else:
        root, records = given.parent, given
    folders = {name: records / name for name in PROFILES if (records / name).is_dir()}
    if not folders:
        raise _no_records(given)
    return root, folders


def _read_folder(folder: Path, problems: list[BenchError]) -> dict[Path, Record]:
    # Side files may match the pattern too: what a record names as its artifact is no record.
    paths = sorted(find_records(folder), key=lambda p: not _RECORD_NAME.fullmatch(p.name))
    records: dict[Path, Record] = {}
    side_files: set[Path] = set()
    for path in paths:
        if side_files and path in side_files:
            continue
        try:
            record = read_record(path)
        except BenchError as error:
            problems.append(error)
            continue
        records[path] = record
        side_files |= {
            path.parent / name for name in record.artifacts.values() if name.endswith(".json")
        }
    return dict(sorted(records.items(), key=lambda item: _parts(item[0])))


def _parts(path: Path) -> list[str]:
    return str(path).split(os.sep)  # noqa: PTH206 - like Path.parts, in a quarter of the time


def _identity(record: Record) -> tuple[str, str, str, int]:
    return record.profile, record.recipe.name, record.protocol.name, record.seed


def _fault(record: Record, path: Path, folder: Path) -> BenchError | None:
    """Returns what speaks against using a well-formed record, if anything does."""
    if record.rehearsal is not None:
        return BenchError(
            f"{path} is a rehearsal: its numbers mean nothing and stand in no table.",
            "Run the job itself: mrcl-bench run",
        )
    profile, recipe, protocol, seed = _identity(record)
    place = [profile, recipe, protocol, f"seed{seed}.json"]
    if _parts(path) != [*_parts(folder)[:-1], *place]:
        belongs = folder.parent / profile / recipe / protocol / f"seed{seed}.json"
        return BenchError(
            f"{path} holds the run {profile}/{recipe}/{protocol}/seed{seed}, which belongs at "
            f"{belongs}.",
            "Move it there, or delete it and run the job again.",
        )
    if record.protocol.main_metric.rsplit("/", 1)[-1] not in METRICS:
        try:
            metric_of(record.protocol.main_metric)
        except BenchError as error:
            return BenchError(f"{path}: protocol.main_metric: {error.what}", error.cure)
    if record.status == "completed" and record.protocol.main_metric not in record.metrics:
        return BenchError(
            f"{path} is completed but lacks its main metric '{record.protocol.main_metric}'.",
            "Delete it and run the job again.",
        )
    for key, value in record.metrics.items():
        # Percent written as 84.1, or COCO's -1 for "no ground truth", would spoil every mean.
        if key.rsplit("/", 1)[-1] in METRICS and not 0 <= value <= 1:
            return BenchError(
                f"{path}: metrics.{key} is {value}, expected a fraction in 0 … 1.",
                "Delete it and run the job again.",
            )
    return None


def _doubled(same_run: Mapping[tuple[str, str, str, int], list[Path]]) -> list[BenchError]:
    doubled = {run: paths for run, paths in same_run.items() if len(paths) > 1}
    if not doubled:
        return []
    lines = [
        f"{profile}/{recipe}/{protocol} seed {seed}: " + ", ".join(str(path) for path in paths)
        for (profile, recipe, protocol, seed), paths in doubled.items()
    ]
    return [
        BenchError(
            "the same seed is given twice: " + "; ".join(lines) + ".",
            "Keep one file of each run and delete the copies.",
        )
    ]


def _no_records(folder: Path) -> BenchError:
    return BenchError(
        f"no records in {folder}: expected records/<profile>/<recipe>/<protocol>/seed<k>.json, "
        f"with a profile of {', '.join(PROFILES)}.",
        "Make records first: mrcl-bench run",
    )


def _no_profile(folder: Path, profile: str, there: list[str]) -> BenchError:
    there_is = f"There is: {', '.join(there)}. " if there else ""
    return BenchError(
        f"no records of profile '{profile}' in {folder}.",
        f"{there_is}Make them with: mrcl-bench run --profile {profile}",
    )
