"""Everything that is wrong with a results folder, in one pass; nothing is changed."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..compare.load import Results, scan
from ..errors import BenchError
from ..profiles import PROFILES
from ..record import Record

TOLERANCE = 1e-6
"""How far a metric from per-sample results may be from the evaluator's own, see docs/records.md."""
_SHA256 = re.compile(r"[0-9a-f]{64}")
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Verified:
    """What was looked at, and all that is wrong with it.

    Attributes:
        counts: What was checked, by kind, e.g. ``{"records": 126}``.
        problems: One sentence each, with the file.
    """

    counts: Mapping[str, int]
    problems: tuple[str, ...]


def verify(results: Path, progress: Progress | None = None) -> Verified:
    """Checks every record, side file, kept config and table of a results folder.

    Args:
        results: The results folder; of its ``records`` or one profile's, the whole is meant.
        progress: Called with (done, of, what).

    Raises:
        BenchError: There is no such folder, or no record in it.
    """
    say = progress or (lambda done, total, what: None)
    say(0, 0, "records")
    found, doubled = scan(results)
    if found.root != results.resolve():
        found, doubled = scan(found.root)
    problems = [error.what for error in (*found.problems, *doubled)]
    faulty = _profiles_of(found, problems)
    records = [item for of in found.records.values() for item in of.items()]
    counts = {"records": len(records) + len(found.problems)}
    counts |= dict.fromkeys(("side files", "recomputed metrics"), 0)
    for place, (path, record) in enumerate(records):
        say(place, len(records), "records and side files")
        problems += (f"{path}: {fault}" for fault in _contradictions(record))
        sides, metrics, faults = _side_files(path, record)
        counts["side files"] += sides
        counts["recomputed metrics"] += metrics
        problems += faults
    problems += _strays(found)
    kept = sorted((found.root / "configs").glob("*"))
    counts["kept configs"] = len(kept)
    problems += [f for path in kept for f in _kept_config(path)]
    counts["tables"] = 0
    for name in _profiles_with_tables(found.root):
        say(0, 0, f"tables of {name}")
        number, faults = _tables(found, name, name in faulty)
        counts["tables"] += number
        problems += faults
    return Verified(counts, tuple(problems))


def _profiles_of(found: Results, problems: list[str]) -> set[str]:
    """Profiles of which a record was left out: their tables cannot be judged."""
    folder = found.root / "records"
    return {
        path.name for path in folder.glob("*") if any(f"{path}/" in problem for problem in problems)
    }


def _contradictions(record: Record) -> Iterator[str]:
    if (record.status == "failed") != (record.failure is not None):
        yield f"status is {record.status}, failure is {record.failure}"
    hashes = {
        "recipe.config_sha256": record.recipe.config_sha256,
        "protocol.config_sha256": record.protocol.config_sha256,
        "data.sha256": record.data.sha256,
    }
    if record.checkpoint is not None:
        hashes["checkpoint.sha256"] = record.checkpoint.sha256
        hashes["checkpoint.source_sha256"] = record.checkpoint.source_sha256
    elif record.status == "completed":
        yield "completed, but it names no checkpoint"
    for field, value in hashes.items():
        if not _SHA256.fullmatch(value):
            yield f"{field} is {value[:80]!r}, not a sha256"


def _side_files(path: Path, record: Record) -> tuple[int, int, list[str]]:
    """Returns how many side files and metrics were checked, and what is wrong with them."""
    from ..per_sample import ARTIFACT, load

    faults = []
    for name, file in record.artifacts.items():
        if len(PurePosixPath(file).parts) != 1 or file in (".", ".."):
            faults.append(f"{path}: artifact '{name}' lies outside its folder: {file!r}")
        elif not (path.parent / file).is_file():
            faults.append(f"{path.parent / file}: missing, {path.name} names it as '{name}'")
    if faults or ARTIFACT not in record.artifacts:
        return len(record.artifacts), 0, faults
    side = path.parent / record.artifacts[ARTIFACT]
    metrics = 0
    try:
        samples = load(path, record)
        keys = samples.keys() if samples is not None else ()
        for key in keys:
            assert samples is not None
            value = samples.value(key)
            metrics += 1
            if not abs(value - record.metrics[key]) <= TOLERANCE:
                faults.append(
                    f"{side}: {key} is {value:.9g}, {path.name} says {record.metrics[key]:.9g}"
                )
        if not keys:
            faults.append(f"{side}: none of the metrics of {path.name} can be recomputed from it")
    except BenchError as error:
        faults.append(error.what)
    except Exception as error:  # arrays of wrong kinds and shapes raise anything
        faults.append(f"{side}: its arrays do not fit together: {type(error).__name__}: {error}")
    return len(record.artifacts), metrics, faults


def _strays(found: Results) -> Iterator[str]:
    """Files among the records that no record names; hidden ones are locks and leftovers."""
    named = {
        path.parent / file
        for records in found.records.values()
        for path, record in records.items()
        for file in record.artifacts.values()
    }
    bad = " ".join(problem.what for problem in found.problems)
    for path in sorted((found.root / "records").glob("*")):
        if path.name not in PROFILES and path.name[0] != ".":
            yield f"{path}: {path.name} is no profile, so nothing reads it"
    for profile in found.records:
        for path in sorted((found.root / "records" / profile).rglob("*")):
            known = path in named or path in found.records[profile] or str(path) in bad
            owner = path.with_name(f"{path.name.split('.')[0]}.json")
            if path.is_file() and path.name[0] != "." and not known and str(owner) not in bad:
                yield f"{path}: no record names this file"


def _kept_config(path: Path) -> Iterator[str]:
    text = path.read_bytes()
    if not _SHA256.fullmatch(path.stem) or path.suffix != ".json":
        yield f"{path}: not a kept config, which is called <sha256>.json"
    elif hashlib.sha256(text).hexdigest() != path.stem:
        yield f"{path}: was changed, its sha256 is not its name"
    else:
        try:
            json.loads(text)
        except (ValueError, RecursionError) as error:
            yield f"{path}: not JSON: {error}"


def _profiles_with_tables(root: Path) -> list[str]:
    tables = {path.name for path in (root / "tables").glob("*") if path.is_dir()}
    return sorted(tables | {path.stem for path in (root / "statistics").glob("*.md")})


def _tables(found: Results, profile: str, faulty: bool) -> tuple[int, list[str]]:
    """Renders a profile's tables again; returns how many there are, and which differ."""
    from ..report.statistics import render, statistics
    from ..report.tables import analyse, render_tables

    folder = found.root / "tables" / profile
    there = {path for path in folder.glob("*") if path.name[0] != "."}
    measured = {found.root / "statistics" / f"{profile}.{end}" for end in ("md", "csv")}
    there |= {path for path in measured if path.is_file()}
    if faulty:
        return len(there), [f"{folder}: not compared, for records of {profile} are faulty"]
    if profile not in found.records:
        return len(there), [f"{folder}: there is no record of profile {profile} behind it"]
    known = analyse(found.of(profile))
    texts = {folder / name: text for name, text in render_tables(profile, known).items()}
    if not folder.is_dir():
        texts = {}
    if measured & there:
        texts |= render(found, profile, statistics(found, profile, known))
    faults = [f"{path}: missing, the records give it" for path in sorted(texts.keys() - there)]
    faults += [f"{path}: no record gives this table" for path in sorted(there - texts.keys())]
    for path in sorted(there & texts.keys()):
        if path.read_bytes() != texts[path].encode():
            line = _first_difference(path.read_bytes().decode(errors="replace"), texts[path])
            faults.append(f"{path}: line {line} is not what the records give")
    return len(there), faults


def _first_difference(one: str, other: str) -> int:
    lines = list(zip(one.split("\n"), other.split("\n"), strict=False))
    return 1 + next((n for n, (a, b) in enumerate(lines) if a != b), len(lines))
