"""Resolved configs kept by their hash, so that a record's hash can be looked into.

``results/configs/<sha256>.json`` is the very text that `mrcl_bench.resolve.config_sha256` hashes:
``sha256sum`` of a file gives its name. Reading needs neither torch nor mmengine.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .atomic import write_text
from .errors import BenchError
from .resolve import canonical, load_config


def keep(config: Any, folder: Path) -> str:
    """Writes a resolved config into a folder unless it is there.

    Args:
        config: A `mmengine.config.Config` as loaded, before paths are relocated.
        folder: Usually ``results/configs``.

    Returns:
        The config's hash, which is the file's stem.
    """
    text = canonical(config)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    path = folder / f"{sha256}.json"
    if not path.exists() or path.read_bytes() != text.encode():
        write_text(path, text)
    return sha256


def read(folder: Path, sha256: str) -> dict[str, Any] | None:
    """Returns a kept config, or None where there is none of that hash.

    Raises:
        BenchError: The file is not what its name says.
    """
    path = folder / f"{sha256}.json"
    if not path.is_file():
        return None
    text = path.read_bytes()
    if hashlib.sha256(text).hexdigest() != sha256:
        raise BenchError(
            f"{path} was changed: its sha256 is not its name.",
            "Delete it; a run with this config writes it anew.",
        )
    value: dict[str, Any] = json.loads(text)
    return value


@dataclass(frozen=True)
class Found:
    """A resolved config, or why there is none.

    Attributes:
        origin: Where it comes from, or why it cannot be shown; half a sentence.
    """

    config: dict[str, Any] | None
    origin: str


def find(folder: Path, sha256: str, candidates: Iterable[Path]) -> Found:
    """Looks for the config behind a hash: as kept, else as today's files give it.

    Args:
        folder: Usually ``results/configs``.
        sha256: The hash that a record names.
        candidates: Config files that may have it, e.g. the one of the record's protocol.

    Raises:
        BenchError: A kept file was changed.
    """
    kept = read(folder, sha256)
    if kept is not None:
        return Found(kept, f"kept in {folder.name}/{sha256[:8]}….json")
    there = [path for path in candidates if path.is_file()]
    for path in there:
        try:
            text = canonical(load_config(path))
        except ModuleNotFoundError as error:
            return Found(
                None, f"not kept, and {error.name} is not installed to resolve {path.name}"
            )
        except BenchError:  # a file that does not load is none that was used
            continue
        if hashlib.sha256(text.encode()).hexdigest() == sha256:
            return Found(json.loads(text), f"not kept, but {path.name} of today has this hash")
    if there:
        return Found(None, f"not kept, and {there[0].name} was changed since")
    return Found(None, "not kept, and there is no config of that name")
