"""Atomic file writes: a reader sees the old file or the new one, never half of one."""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

_HOST = re.sub(r"[^A-Za-z0-9]", "", socket.gethostname())[:32]
_swept: set[Path] = set()


def write_atomic(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Writes a file through a sibling temporary file, fsync and rename.

    Args:
        path: Destination; missing parent folders are created.
        write: Called with the open temporary file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path.parent)
    prefix = f".{path.name}.{_HOST}-{os.getpid()}-"
    fd, name = tempfile.mkstemp(dir=path.parent, prefix=prefix, suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(fd, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)  # mkstemp makes files private
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _sweep(folder: Path) -> None:
    """Deletes what processes of this host that were killed while writing left, once per folder."""
    if folder in _swept:
        return
    _swept.add(folder)
    for left in folder.glob(".*.tmp"):
        host, _, number = left.name.split(".")[-2].rpartition("-")[0].partition("-")
        if host == _HOST and number.isdigit() and not _is_alive(int(number)):
            left.unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def write_text(path: Path, text: str) -> None:
    """Writes UTF-8 text atomically."""
    write_atomic(path, lambda file: file.write(text.encode()))


def write_json(path: Path, value: Any) -> None:
    """Writes indented JSON with sorted keys, atomically; NaN is refused."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n")


def sha256_file(path: Path) -> str:
    """Returns the sha256 of a file's bytes as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
