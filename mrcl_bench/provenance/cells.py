"""Finds the records of a cell by what a user types."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from ..compare import Results
from ..errors import EXIT_USAGE, BenchError, unknown_name
from ..profiles import PROFILES
from ..record import Record

FORMS = (
    "Name it as profile/recipe/protocol, as recipe and protocol, or by the path of a record; "
    "mrcl-bench ls shows them."
)
_SEED = re.compile(r"seed(\d+)(\.json)?")


@dataclass(frozen=True)
class CellRecords:
    """The records of one recipe under one protocol.

    Attributes:
        records: Path to record in the order of seeds; not empty.
    """

    profile: str
    recipe: str
    protocol: str
    records: Mapping[Path, Record]

    @property
    def name(self) -> str:
        """The cell as ``profile/recipe/protocol``."""
        return f"{self.profile}/{self.recipe}/{self.protocol}"


def locate(loaded: Results, words: Sequence[str], seed: int | None = None) -> CellRecords:
    """Finds a cell.

    Args:
        loaded: Records, of one profile or of several.
        words: One word ``[profile/]recipe/protocol[/seedK[.json]]`` or a record's path; or recipe
            and protocol as two words. A recipe is known by name, algorithm or row label, a protocol
            by name, family or column label, as long as that is unique.
        seed: Only this seed.

    Raises:
        BenchError: Nothing or more than one thing is called that.
    """
    parts = [part for word in words for part in _parts(word)]
    if parts and (found := _SEED.fullmatch(parts[-1])):
        seed = int(found[1])
        parts.pop()
    profiles = list(loaded.records)
    if len(parts) == 3:
        if parts[0] not in profiles:
            raise unknown_name("profile", parts[0], profiles)
        profiles = [parts.pop(0)]
    if len(parts) != 2:
        raise BenchError(f"'{' '.join(words)}' names no cell.", FORMS, EXIT_USAGE)
    records = [r for profile in profiles for r in loaded.of(profile)]
    recipe = _one(
        "recipe",
        parts[0],
        {r.recipe.name: (r.recipe.algorithm, r.recipe.display) for r in records},
    )
    rows = [r for r in records if r.recipe.name == recipe]
    protocol = _one(
        f"protocol of {recipe}",
        parts[1],
        {r.protocol.name: (r.protocol.family, r.protocol.display) for r in rows},
    )
    return _cell(loaded, profiles, recipe, protocol, seed)


def _cell(
    loaded: Results, profiles: Sequence[str], recipe: str, protocol: str, seed: int | None
) -> CellRecords:
    def is_meant(record: Record) -> bool:
        return (record.recipe.name, record.protocol.name) == (recipe, protocol)

    there = _filtered(loaded, profiles, is_meant)
    if len(there) > 1:
        raise BenchError(
            f"{recipe}/{protocol} is there in the profiles {', '.join(there)}.",
            f"Name one: {next(iter(there))}/{recipe}/{protocol}",
            EXIT_USAGE,
        )
    ((profile, records),) = there.items()
    if seed is not None:
        seeds = [str(r.seed) for r in records.values()]
        records = {path: r for path, r in records.items() if r.seed == seed}
        if not records:
            raise unknown_name(f"seed of {profile}/{recipe}/{protocol}", str(seed), seeds)
    ordered = dict(sorted(records.items(), key=lambda item: item[1].seed))
    return CellRecords(profile, recipe, protocol, ordered)


def _filtered(
    loaded: Results, profiles: Sequence[str], is_meant: Callable[[Record], bool]
) -> dict[str, dict[Path, Record]]:
    found = {
        profile: {path: r for path, r in loaded.records[profile].items() if is_meant(r)}
        for profile in profiles
    }
    return {profile: records for profile, records in found.items() if records}


def _parts(word: str) -> list[str]:
    parts = [part for part in PurePath(word).parts if part not in ("/", ".")]
    if "records" in parts:
        return parts[parts.index("records") + 1 :]
    if len(parts) > 3 and any(part in PROFILES for part in parts):
        return parts[next(i for i, part in enumerate(parts) if part in PROFILES) :]
    return parts


def _one(kind: str, word: str, names: Mapping[str, tuple[str, ...]]) -> str:
    """Returns the one name that a word means: itself, or the only one with such a label."""
    if word in names:
        return word
    meant = [n for n, others in names.items() if word.casefold() in map(str.casefold, others)]
    if len(meant) > 1:
        raise BenchError(
            f"'{word}' means more than one {kind}: {', '.join(sorted(meant))}.",
            "Give the whole name.",
            EXIT_USAGE,
        )
    if not meant:
        labels = {label for others in names.values() for label in others}
        raise unknown_name(kind, word, {*names, *labels})
    return meant[0]
