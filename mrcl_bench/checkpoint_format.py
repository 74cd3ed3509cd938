"""Tells weights from what is none, and says why a file is refused; runs no code from it."""

from __future__ import annotations

import pickletools
import re
import zipfile
from pathlib import Path

from torch import Tensor

from .errors import BenchError
from .plain_pickle import DamagedPickle, RefusedName, load_plain

_AGAIN = "Download or copy it again, and compare its sha256 with the publisher's."
_UNTRUSTED = (
    "Ask whoever made it for a .safetensors file or a plain state dict; mrcl-bench never runs "
    "code from weights."
)
_TORCH_MAGIC = b"l\xfc\x9cF\xf9 j\xa8P\x19"
"""Near the start of files that ``torch.save`` wrote before it wrote zip files."""


def check_readable(path: Path) -> None:
    """Refuses what is missing, empty, no file or may not be read."""
    if not path.exists():
        raise BenchError(f"no weights at {path}.", "Check the path, or make or fetch them first.")
    if not path.is_file():
        raise BenchError(f"{path} is not a file.", "Name the weights file itself.")
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise BenchError(f"{path} is empty (0 bytes).", _AGAIN)
    except OSError as error:
        raise BenchError(
            f"cannot read {path}: {error.strerror}.", "Mend its permissions."
        ) from None


def check_format(path: Path) -> None:
    """Refuses what is no torch checkpoint, by its first bytes and its zip checksums."""
    with path.open("rb") as file:
        head = file.read(1024)
    start = head.lstrip().lower()
    if start.startswith(b"version https://git-lfs"):
        raise BenchError(f"{path} is a git-lfs pointer, not the weights.", "Run: git lfs pull")
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        raise BenchError(
            f"{path} is an HTML or XML page, not weights (a login or error page?).",
            "Download it again from the publisher's direct link.",
        )
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 1 << 32:
        raise BenchError(f"{path} looks like safetensors.", "Rename it to end in .safetensors.")
    if head.startswith(b"PK"):
        _check_zip(path)
    elif not re.match(rb"\x80[\x02-\x05]", head):
        kind = "a text file" if _is_text(head) else "of no known format"
        raise BenchError(f"{path} is {kind}, not a torch checkpoint.", _AGAIN)


def _check_zip(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except MemoryError:
        raise
    except Exception:  # a hostile file may raise anything
        raise BenchError(f"{path} is truncated or damaged.", _AGAIN) from None
    if damaged is not None:  # torch itself does not compare the checksums
        raise BenchError(f"{path} is damaged: the checksum of '{damaged}' is wrong.", _AGAIN)


def _is_text(head: bytes) -> bool:
    try:
        return head[:-4].decode().isprintable() or b"\n" in head
    except UnicodeDecodeError:
        return False


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """Reads a safetensors file; whatever is wrong with it is a BenchError."""
    from safetensors.torch import load_file

    try:
        return dict(load_file(path, device="cpu"))
    except MemoryError:
        raise
    except Exception as error:  # SafetensorError as a rule; a hostile header may raise anything
        raise BenchError(f"{path} is not valid safetensors: {str(error)[:200]}.", _AGAIN) from None


def is_bare_pickle(path: Path) -> bool:
    """Whether a file is a pickle that ``torch.save`` did not write."""
    with path.open("rb") as file:
        head = file.read(64)
    return head.startswith(b"\x80") and _TORCH_MAGIC not in head


def read_pickle(path: Path) -> object:
    """Reads a pickle of plain values and arrays; any other is a BenchError."""
    try:
        with path.open("rb") as file:
            return load_plain(file)
    except RefusedName as error:
        raise BenchError(
            f"refused {path}: loading it would call '{error.name}'.", _UNTRUSTED
        ) from None
    except DamagedPickle as error:
        raise BenchError(f"{path} is truncated or damaged: {str(error)[:200]}.", _AGAIN) from None


def refused(path: Path, error: Exception) -> BenchError:
    """Builds the error for a file that torch's safe reader refused."""
    found = re.search(r"GLOBAL ([\w.]+)", str(error))
    name = found.group(1) if found else _first_foreign_global(path)
    if name:
        return BenchError(f"refused {path}: loading it would call '{name}'.", _UNTRUSTED)
    if isinstance(error, EOFError | OSError) or "EOF" in str(error):
        return BenchError(f"{path} is truncated or damaged.", _AGAIN)
    # torch's own text would tell the user to switch the safe reader off
    reason = str(error).partition("WeightsUnpickler error:")[2].strip().split("\n")[0]
    return BenchError(f"refused {path}: {reason or 'damaged, or no plain state dict'}.", _UNTRUSTED)


def _first_foreign_global(path: Path) -> str | None:
    """Finds the first non-torch name in a pickle by reading its opcodes, not running them."""
    strings: list[str] = []
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                name = next(n for n in archive.namelist() if n.endswith("data.pkl"))
                stream = archive.read(name)
        else:
            stream = path.read_bytes()
        for opcode, argument, _ in pickletools.genops(stream):
            if opcode.name in ("GLOBAL", "INST"):
                strings = str(argument).split(" ")
            elif "UNICODE" in opcode.name:
                strings.append(str(argument))
            if opcode.name in ("GLOBAL", "INST", "STACK_GLOBAL") and len(strings) > 1:
                if strings[-2].split(".")[0] not in ("torch", "collections"):
                    return ".".join(strings[-2:])
    except Exception:  # only a nicer message depends on it
        return None
    return None
