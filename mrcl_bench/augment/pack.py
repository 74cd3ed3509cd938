"""Decoded pictures of a folder in one memory-mapped file, made once, for sets that fit.

Beside ``FOLDER`` lies ``FOLDER.packed``: the pixels of all pictures one after the other, their
names, and of each its place, shape, and the size, time and sha256 of the file that it was decoded
from. A picture whose file has another size or time is decoded as ever, and so is everything where
another version of a decoder is installed: a pack changes no pixel.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from ..atomic import sha256_file, write_json
from ..data.manifest import PACKED
from ..errors import EXIT_FAILED, BenchError
from .decode import decode, decoders

_FORMAT = 1
_KINDS = {".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
_ABOUT, _NAMES, _ROWS, _HASHES = "pack.json", "names.npy", "rows.npy", "sources.npy"
_PIXELS = "pixels.u8"
_AT_A_TIME, _SAMPLE = 256, 200
_SHOWN = 10
Tell = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Packed:
    """What a pack holds.

    Attributes:
        path: Its folder.
        pictures: How many.
        size: Bytes of pixels.
        made: Whether it was made just now.
    """

    path: Path
    pictures: int
    size: int
    made: bool


def read_picture(path: str) -> NDArray[np.uint8]:
    """Returns a picture, (H, W, 3) uint8 in BGR, from a valid pack or decoded from its file.

    Raises:
        ValueError: It is no picture, or a part of one.
    """
    folder, name = os.path.split(path)
    found = _pack_above(folder)
    pixels = found[0].get(found[1] + name, path) if found is not None else None
    return decode(Path(path).read_bytes()) if pixels is None else pixels


class _Pack:
    def __init__(self, folder: Path) -> None:
        self._names = np.load(folder / _NAMES, mmap_mode="r")
        self._rows = np.load(folder / _ROWS, mmap_mode="r")
        # copy on write: compiled code is made for arrays that can be written
        self._pixels = np.memmap(folder / _PIXELS, np.uint8, "c")

    def get(self, name: str, path: str) -> NDArray[np.uint8] | None:
        key = np.bytes_(name.encode())
        at = int(np.searchsorted(self._names, key))
        if at == len(self._names) or self._names[at] != key:
            return None
        begin, height, width, size, changed = self._rows[at].tolist()
        now = Path(path).stat()
        if (now.st_size, now.st_mtime_ns) != (size, changed):
            return None
        flat = self._pixels[begin : begin + height * width * 3]
        return np.asarray(flat).reshape(height, width, 3)


@functools.cache
def _pack_above(folder: str) -> tuple[_Pack, str] | None:
    """Returns the pack of a folder or of one above it, and the folder's name in there."""
    inner = ""
    place = Path(folder)
    while place.name:
        pack = place.with_name(place.name + PACKED)
        if (pack / _ABOUT).exists():
            about = _about(pack)
            if about["format"] != _FORMAT or about["decoders"] != decoders():
                return None
            try:
                return _Pack(pack / about["at"]), inner
            except OSError:  # being made anew, or deleted in part
                return None
        inner = f"{place.name}/{inner}"
        place = place.parent
    return None


def pack(folder: Path, jobs: int = 1, tell: Tell | None = None) -> Packed:
    """Packs a folder's pictures, or finds them packed.

    Args:
        folder: Pictures, in any depth.
        jobs: Pictures decoded at a time.
        tell: Told how far it is.

    Raises:
        BenchError: No pictures; some are broken; they do not fit.
    """
    folder = folder.absolute()
    target = folder.with_name(folder.name + PACKED)
    if not folder.is_dir():
        raise BenchError(f"{folder} is no folder.", "Name the folder that holds the pictures.")
    target.mkdir(exist_ok=True)
    with FileLock(str(target / "lock")):
        files = sorted(_files(folder), key=lambda one: one[0].encode())
        if not files:
            raise BenchError(f"no pictures in {folder}.", "Name the folder that holds them.")
        if _is_current(target, files):
            about = _about(target)
            return Packed(target, about["pictures"], about["bytes"], False)
        _fits(folder, files)
        kept = Path(tempfile.mkdtemp(dir=target))  # who reads an older one goes on with that
        try:
            size = _write(folder, files, kept, jobs, tell)
            kept.chmod(0o755)
            digests = {n: sha256_file(kept / n) for n in (_PIXELS, _NAMES, _ROWS, _HASHES)}
            about = {"format": _FORMAT, "decoders": decoders(), "at": kept.name}
            about |= {"pictures": len(files), "bytes": size, "sha256": digests}
            write_json(target / _ABOUT, about)
        except BaseException:
            shutil.rmtree(kept, ignore_errors=True)
            raise
        for old in target.iterdir():
            if old.is_dir() and old != kept:
                shutil.rmtree(old)
    _pack_above.cache_clear()
    return Packed(target, len(files), size, True)


def check(folder: Path) -> Packed:
    """Reads a pack and all its pictures' files once more, and compares their sha256.

    Raises:
        BenchError: There is no pack, or it is not what was written, or not of these files.
    """
    folder = folder.absolute()
    target = folder.with_name(folder.name + PACKED)
    cure = f"Make it anew: delete {target}, then `mrcl-bench data pack {folder}`."
    if not (target / _ABOUT).exists():
        raise BenchError(f"there is no pack of {folder}.", f"`mrcl-bench data pack {folder}`.")
    about = _about(target)
    kept = target / about["at"]
    for name, digest in about["sha256"].items():
        if not (kept / name).exists() or sha256_file(kept / name) != digest:
            raise BenchError(f"{kept / name} is not what was written.", cure, EXIT_FAILED)
    files = sorted(_files(folder), key=lambda one: one[0].encode())
    names = [name.decode() for name in np.load(kept / _NAMES)]
    then = dict(zip(names, np.load(kept / _HASHES).tolist(), strict=True))
    now = {name: sha256_file(folder / name).encode() for name, *_ in files}
    differ = sorted(name for name in then.keys() | now if then.get(name) != now.get(name))
    if differ or about["decoders"] != decoders():
        what = f"{len(differ)} files differ, {differ[0]} first" if differ else "other decoders"
        raise BenchError(f"the pack of {folder} is out of date: {what}.", cure, EXIT_FAILED)
    return Packed(target, about["pictures"], about["bytes"], False)


def _about(target: Path) -> dict[str, Any]:
    about: dict[str, Any] = json.loads((target / _ABOUT).read_text())
    return about


def _files(folder: Path) -> Iterator[tuple[str, int, int]]:
    """Yields name, size and time of all pictures."""
    for place, _, names in os.walk(folder, followlinks=True):
        for name in names:
            path = Path(place, name)
            if path.suffix.lower() in _KINDS:
                found = path.stat()
                yield path.relative_to(folder).as_posix(), found.st_size, found.st_mtime_ns


def _is_current(target: Path, files: list[tuple[str, int, int]]) -> bool:
    if not (target / _ABOUT).exists():
        return False
    about = _about(target)
    if about["format"] != _FORMAT or about["decoders"] != decoders():
        return False
    kept = target / about["at"]
    names, rows = np.load(kept / _NAMES), np.load(kept / _ROWS)
    packed = [(name.decode(), *row) for name, row in zip(names, rows[:, 3:].tolist(), strict=True)]
    return packed == files


def _fits(folder: Path, files: list[tuple[str, int, int]]) -> None:
    from PIL import Image

    sizes = []
    for name, *_ in files[:: max(1, len(files) // _SAMPLE)]:
        try:
            with Image.open(folder / name) as opened:
                sizes.append(opened.width * opened.height * 3)
        except OSError:  # told with all others when they are decoded
            continue
    needed = float(np.mean(sizes or [0])) * len(files)
    free = shutil.disk_usage(folder.parent).free
    if needed > 0.95 * free:
        raise BenchError(
            f"the pictures of {folder} take some {needed / 1e9:.1f} GB decoded; "
            f"{free / 1e9:.1f} GB are free.",
            "Make room, or go without: nothing but speed depends on a pack.",
        )


def _write(
    folder: Path, files: list[tuple[str, int, int]], kept: Path, jobs: int, tell: Tell | None
) -> int:
    def read(name: str) -> Any:
        data = (folder / name).read_bytes()
        try:
            return decode(data), sha256(data).hexdigest()
        except Exception as error:  # decoders raise anything on damaged bytes
            return None, " ".join(str(error).split())[:120]

    rows, hashes, broken, begin = [], [], [], 0
    with (kept / _PIXELS).open("wb") as pixels, ThreadPoolExecutor(jobs) as pool:
        for first in range(0, len(files), _AT_A_TIME):
            part = files[first : first + _AT_A_TIME]
            found = pool.map(read, [name for name, *_ in part])
            for (name, size, changed), (picture, said) in zip(part, found, strict=True):
                if picture is None:
                    broken.append(f"{name} ({said})")
                    continue
                pixels.write(np.ascontiguousarray(picture).data)
                rows.append((begin, *picture.shape[:2], size, changed))
                hashes.append(said)
                begin += picture.size
            if tell is not None:
                tell(first + len(part), len(files), folder.name)
        pixels.flush()
        os.fsync(pixels.fileno())
    if broken:
        more = f" and {len(broken) - _SHOWN} more" if len(broken) > _SHOWN else ""
        raise BenchError(
            f"{len(broken)} broken pictures in {folder}: {'; '.join(broken[:_SHOWN])}{more}.",
            "Fetch them again or take them out.",
            EXIT_FAILED,
        )
    np.save(kept / _NAMES, np.array([name.encode() for name, *_ in files]))
    np.save(kept / _ROWS, np.array(rows, dtype=np.int64))
    np.save(kept / _HASHES, np.array(hashes, dtype=np.bytes_))
    return begin
