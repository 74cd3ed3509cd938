"""Reads and checks the manifest of a data folder made by this package.

``checksums.txt`` lists every file as ``<sha256>  <relative path>``, sorted by
path, so ``sha256sum -c checksums.txt`` checks it too. The sha256 of those
lines is the sha256 of the set.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from mrcl_bench.atomic import sha256_file
from mrcl_bench.errors import BenchError

SCHEMA = 1
MANIFEST = "manifest.json"
CHECKSUMS = "checksums.txt"
PACKED = ".packed"
"""Ending of the folders of decoded pictures (`mrcl_bench.augment.pack`), which are no data."""


@dataclass(frozen=True)
class Split:
    """Number of files and sha256 of one part of a set."""

    count: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a data folder says about itself.

    Attributes:
        id: Data set id, as it stands in records.
        sha256: Of all files.
        files: How many there are.
        maker: Version of the code that drew the pictures.
        seed: The set was made with.
        sizes: Number of pictures asked for, by part.
        shapes_fallback: Whether drawn shapes stand in for photographs.
        splits: By relative folder.
        classes: Object classes in label order.
        stuff: Background classes, whose labels follow.
        mean: Of the pretraining pixels, RGB, 0 to 255.
        std: The same.
        packages: Source packages: name, version, sha256, pinned.
        credits: Licence and authors.
    """

    id: str
    sha256: str
    files: int
    maker: int
    seed: int
    sizes: dict[str, int]
    shapes_fallback: bool
    splits: dict[str, Split]
    classes: list[str]
    stuff: list[str]
    mean: list[float]
    std: list[float]
    packages: list[dict[str, Any]]
    credits: str


def sha256_lines(hashes: Mapping[str, str]) -> str:
    """Returns the sha256 of the sorted ``<sha256>  <path>`` lines."""
    lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(hashes.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def read_manifest(folder: Path) -> Manifest:
    """Reads ``manifest.json`` of a data folder.

    Raises:
        BenchError: It is missing, damaged or of another schema.
    """
    cure = f"Make the set: {make_command(folder)}"
    path = folder / MANIFEST
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise BenchError(f"there is no data set at {folder}.", cure) from error
    except (OSError, ValueError, RecursionError) as error:
        raise BenchError(f"{path} cannot be read: {error}.", cure) from error
    try:
        if raw["schema"] != SCHEMA:
            raise BenchError(f"{path} has schema {raw['schema']}, this needs {SCHEMA}.", cure)
        values = {name: raw[name] for name in Manifest.__dataclass_fields__}
        values["splits"] = {name: Split(**part) for name, part in raw["splits"].items()}
        return TypeAdapter(Manifest).validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BenchError(f"{path} is damaged ({where}: {first['msg']}).", cure) from error
    except (KeyError, TypeError, AttributeError) as error:
        raise BenchError(f"{path} is damaged ({error}).", cure) from error


def make_command(folder: Path) -> str:
    """Returns the command that makes the set of a folder."""
    if folder.name == "fashion-mnist":
        return "mrcl-bench data fashion-mnist"
    return "mrcl-bench data stamps" + (" --size micro" if folder.name.endswith("-micro") else "")


def verify(folder: Path, progress: Callable[[int, int, str], None] | None = None) -> Manifest:
    """Reads every file of a set and compares it with ``checksums.txt``.

    Args:
        folder: The data folder.
        progress: Called with (done, total, file).

    Returns:
        The manifest of the intact set.

    Raises:
        BenchError: Files are missing, changed or too many; all are named.
    """
    manifest = read_manifest(folder)
    cure = f"Make the set again: {make_command(folder)} --force"
    try:
        text = (folder / CHECKSUMS).read_text(encoding="utf-8")
        pairs = [line.split("  ", 1) for line in text.splitlines()]
        hashes = {name: digest for digest, name in pairs}
    except (OSError, ValueError) as error:
        raise BenchError(f"{folder / CHECKSUMS} is missing or damaged.", cure) from error
    wrong = []
    if sha256_lines(hashes) != manifest.sha256:
        wrong.append(f"changed: {CHECKSUMS}")
    for done, (name, digest) in enumerate(hashes.items()):
        if progress is not None and done % 200 == 0:
            progress(done, len(hashes), name)
        path = folder / name
        if not path.is_file():
            wrong.append(f"missing: {name}")
        elif sha256_file(path) != digest:
            wrong.append(f"changed: {name}")
    own = {MANIFEST, CHECKSUMS, *hashes}
    there = (p.relative_to(folder) for p in folder.rglob("*") if p.is_file())
    ours = (p for p in there if not any(part.endswith(PACKED) for part in p.parts))
    wrong += sorted(f"not ours: {p}" for p in map(Path.as_posix, ours) if p not in own)
    if wrong:
        listed = "\n  ".join(wrong)
        raise BenchError(f"{folder} is not as it was made:\n  {listed}\n", cure)
    return manifest
