"""Goes on without broken images, where the user allows that: they are left out of every data set.

Who reads is not asked to skip: a data set is looked through once, decoding every file, before its
first item is read, and has no broken one from then on. So what is left out depends on neither the
number of processes nor the order of reading, no image stands in for another, and each counts once.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

from filelock import FileLock

from ..atomic import write_json
from ..errors import BenchError
from .progress import report
from .whole_images import refuse_broken_images

_FILES = ("img_path", "seg_map_path")
_CHUNK = 512
_current: LeftOut | None = None


class LeftOut:
    """What one run goes on without.

    Args:
        notes: Folder where it is noted which files of a set are broken, as long as their names,
            sizes and times of change are the same.
    """

    def __init__(self, notes: Path) -> None:
        self._notes = notes
        self.files: dict[str, str] = {}
        """Broken files, pictures or label maps, and what is wrong with each."""

    def add(self, broken: dict[str, str]) -> None:
        """Counts and tells files that a data set of this run has no more."""
        for path in sorted(set(broken) - set(self.files)):
            print(f"warning: left out: broken image {path}: {broken[path]}")  # noqa: T201
        self.files |= broken

    def take_out_of(self, dataset: Any) -> None:
        """Takes the items of which a file is broken out of one of mmengine's data sets.

        Raises:
            BenchError: No item is left.
        """
        items = [_files(dataset.get_data_info(place)) for place in range(len(dataset))]
        broken = self._broken(sorted({path for item in items for path in item}))
        if not broken:
            return
        whole = [place for place, item in enumerate(items) if not broken.keys() & set(item)]
        if not whole:
            raise BenchError(
                f"all {len(items)} images are broken, e.g. {next(iter(broken))}: "
                f"{next(iter(broken.values()))}.",
                "See whether the right folder is there.",
            )
        self.add(broken)
        dataset.get_subset_(whole)

    def _broken(self, paths: list[str]) -> dict[str, str]:
        """Which of the files cannot be read whole, and why; from the notes if they are known."""
        note = self._notes / f"whole-{_identity(paths)}.json"
        note.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{note}.lock"):  # one process looks, the others wait and read
            try:
                known: Any = json.loads(note.read_text())
            except (OSError, ValueError):
                known = None
            if isinstance(known, dict) and known.keys() <= set(paths):
                return {str(path): str(why) for path, why in known.items()}
            found = dict(_look_through(paths))
            write_json(note, found)
            return found


@contextmanager
def without_broken_images(allowed: bool, notes: Path) -> Iterator[LeftOut]:
    """Leaves broken images out of the data sets that are built meanwhile, if that is allowed.

    Args:
        allowed: Otherwise nothing is left out, and a broken image stops the run.
        notes: As for `LeftOut`.
    """
    global _current
    found = LeftOut(notes)
    before, _current = _current, found if allowed else None
    try:
        if allowed:
            _install()
        yield found
    finally:
        _current = before


def left_out() -> LeftOut | None:
    """What the run of this process goes on without; None where that is not allowed."""
    return _current


def _install() -> None:
    refuse_broken_images()
    from mmengine.dataset import BaseDataset

    _watch(BaseDataset)
    try:
        from mmdet.datasets.base_det_dataset import BaseDetDataset
    except ImportError:
        return
    _watch(BaseDetDataset)


def _watch(kind: Any) -> None:
    if not hasattr(kind.full_init, "leaves_out"):
        kind.full_init = _leaving_out(kind.full_init)


def _leaving_out(full_init: Callable[[Any], None]) -> Callable[[Any], None]:
    @wraps(full_init)
    def init_whole(self: Any) -> None:
        fresh = not self._fully_initialized
        full_init(self)
        if fresh and _current is not None:
            _current.take_out_of(self)

    init_whole.leaves_out = True  # type: ignore[attr-defined]
    return init_whole


def _files(item: dict[str, Any]) -> list[str]:
    return [item[key] for key in _FILES if isinstance(item.get(key), str)]


def _identity(paths: list[str]) -> str:
    whole = hashlib.sha256()
    for path in paths:
        try:
            found = Path(path).stat()
            state = f"{found.st_size} {found.st_mtime_ns}"
        except FileNotFoundError:
            state = "missing"
        whole.update(f"{path} {state}\n".encode(errors="surrogateescape"))
    return whole.hexdigest()[:24]


def _look_through(paths: list[str]) -> Iterator[tuple[str, str]]:
    workers = min(32, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 4)
    with ThreadPoolExecutor(workers) as pool:
        for begin in range(0, len(paths), _CHUNK):
            chunk = paths[begin : begin + _CHUNK]
            for path, why in zip(chunk, pool.map(_why_broken, chunk), strict=True):
                if why is not None:
                    yield path, why
            report(begin + len(chunk), len(paths), "looking for broken images")


def _why_broken(path: str) -> str | None:
    """What is wrong with a picture; None if nothing is.

    Raises:
        OSError: It is there and cannot be read: not the picture's fault.
    """
    import mmcv

    try:
        content = Path(path).read_bytes()
    except FileNotFoundError:
        return "the file is not there"
    try:
        mmcv.imfrombytes(content, flag="unchanged")
    except MemoryError:
        raise
    except Exception as error:  # decoders raise anything on damaged bytes
        return " ".join(str(error).split())[:200] or type(error).__name__
    return None
