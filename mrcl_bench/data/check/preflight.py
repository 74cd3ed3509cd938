"""Looks at the labels of the user's data before training starts; pictures are read as they come."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

from mrcl_bench.atomic import write_text
from mrcl_bench.data.check.coco import coco, entries, read
from mrcl_bench.data.check.findings import Report
from mrcl_bench.data.check.folders import ade20k, cityscapes
from mrcl_bench.data.check.pictures import Picture, examine
from mrcl_bench.data.check.voc import voc
from mrcl_bench.data.locate import DataFolder
from mrcl_bench.data.source import Progress
from mrcl_bench.errors import BenchError

_SHOWN = 20
"""An error lists this many findings and counts the rest."""
_CHECKS: dict[str, tuple[Callable[[Report, bool], list[Picture]], str, str]] = {
    "coco": (coco, "annotations", "coco"),
    "voc0712": (voc, "", "voc"),
    "ade20k": (ade20k, "annotations", "ade20k"),
    "cityscapes": (cityscapes, "gtFine", "cityscapes"),
}
"""Data id to its check, where its labels lie, and what `data check` calls it."""


def preflight(data: DataFolder, passed: Path, progress: Progress | None = None) -> None:
    """Checks the labels of a public set: entries of COCO and VOC, label maps to the last pixel.

    A set that passed is not read again while its file names and sizes and its labels' times of change are
    the same.

    Args:
        data: The set; those that this package makes, and ImageNet, have no labels to read.
        passed: Folder where sets that passed are noted.
        progress: Called with (done, of, what).

    Raises:
        BenchError: Something is wrong; everything of it is counted, the first of it listed.
    """
    if data.id not in _CHECKS:
        return
    inspect, labels, name = _CHECKS[data.id]
    mark = passed / f"{data.id}-{_identity(data, data.path / labels)}.txt"
    if mark.is_file():
        return
    report = Report(data.id, data.path)
    maps = [picture for picture in inspect(report, False) if picture.labels is not None]
    examine(report, maps, False, progress)
    refuse(report, f"`mrcl-bench data check {name}` lists all, pictures too.")
    write_text(mark, f"{data.path}\n")


def check_instances(files: Iterable[Path]) -> None:
    """Checks COCO-format annotation files of sets that are not COCO.

    Raises:
        BenchError: As `preflight`.
    """
    report = Report("annotations", Path("/"))
    for file in dict.fromkeys(files):
        try:
            content = read(report, str(file), file.read_bytes())
        except OSError as error:
            report.add("missing", str(file), str(error.strerror))
            continue
        if content is not None:
            entries(report, str(file), content)
    refuse(report, "Mend the annotation files.")


def refuse(report: Report, cure: str) -> None:
    """Raises an error that lists a report's faults, if it has any."""
    faults = report.faults
    if not faults:
        return
    lines = [f"  {f.kind}: {f.where}: {f.what}" for f in faults[:_SHOWN]]
    if len(faults) > _SHOWN:
        lines.append(f"  … and {len(faults) - _SHOWN} more")
    raise BenchError(
        f"data set '{report.data_id}' has {len(faults)} faults:\n" + "\n".join(lines) + "\n", cure
    )


def _identity(data: DataFolder, labels: Path) -> str:
    """The set's hash, with the times at which its labels were changed."""
    lines = [data.sha256, str(data.path)]
    for file in sorted(labels.rglob("*")):
        if file.suffix in (".json", ".xml", ".png", ".txt"):
            lines.append(f"{file} {file.stat().st_mtime_ns}")
    return hashlib.sha256("\n".join(lines).encode(errors="surrogateescape")).hexdigest()[:24]
