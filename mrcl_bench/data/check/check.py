"""Checks one set from layout to last pixel, without stopping at the first fault."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from mrcl_bench.data.check.coco import coco
from mrcl_bench.data.check.findings import Report
from mrcl_bench.data.check.folders import ade20k, cityscapes, imagenet, unequal_pairs
from mrcl_bench.data.check.pictures import Picture, examine
from mrcl_bench.data.check.voc import voc
from mrcl_bench.data.locate import complaints, folder_of
from mrcl_bench.data.manifest import read_manifest
from mrcl_bench.data.miniature import MINIATURE
from mrcl_bench.data.source import Progress
from mrcl_bench.errors import BenchError

SETS: dict[str, tuple[str, Callable[[Report, bool], list[Picture]]]] = {
    "imagenet": ("imagenet", imagenet),
    "coco": ("coco", coco),
    "voc": ("voc0712", voc),
    "ade20k": ("ade20k", ade20k),
    "cityscapes": ("cityscapes", cityscapes),
}
"""Name of a set to its data id and its check, which returns the pictures to open."""


def check(
    name: str,
    root: Path,
    folder: Path | None = None,
    *,
    fast: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Checks a set.

    Args:
        name: A key of `SETS`.
        root: The data root.
        folder: The set's own folder, if it does not lie in the root.
        fast: Open pictures without decoding them.
        progress: Called with (done, of, what).

    Returns:
        Everything that was found.
    """
    begun = time.monotonic()
    data_id, inspect = SETS[name]
    path = (folder or root / folder_of(data_id)).resolve()
    report = Report(name, path)
    for complaint in complaints(data_id, path):
        report.add("layout", path, complaint)
    small = _is_miniature(path)
    if small:
        report.add("miniature", path, "for rehearsals; its numbers are not looked at", note=True)
    if path.is_dir():
        if progress is not None:
            progress(0, 0, "labels")
        pictures = inspect(report, not small)
        sizes = examine(report, pictures, fast, progress)
        if name in ("ade20k", "cityscapes"):
            unequal_pairs(report, sizes)
    report.seconds = time.monotonic() - begun
    return report


def _is_miniature(path: Path) -> bool:
    """Whether a set is one of `mrcl_bench.data.miniature`'s, whose root has a manifest."""
    for parent in path.parents[:2]:
        try:
            if read_manifest(parent).id == MINIATURE:
                return True
        except BenchError:
            continue
    return False
