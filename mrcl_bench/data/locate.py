"""Finds a data set by its id, and says all that is missing at once.

Sets made by this package are found through their manifests. The public sets
are the user's own; only their standard layout is checked here (the pictures
themselves are too many to read before every run: `mrcl_bench.data.check` does).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mrcl_bench.data.manifest import PACKED, read_manifest
from mrcl_bench.errors import BenchError, unknown_name

IMAGENET_CLASSES = 1000
OWN = ("stamps", "stamps-micro", "fashion-mnist")
"""Sets that this package makes; the id is the folder's name."""
OTHER = "own:"
"""Prefix of the id of any further set: ``own:birds`` is the folder ``birds`` of the data root."""


@dataclass(frozen=True)
class DataFolder:
    """A data set that is there.

    Attributes:
        id: As it goes into records; ``stamps-shapes`` where shapes stand in.
        path: Its folder: for ``imagenet`` the one with ``train/``, for
            ``coco`` the one with ``annotations/``, for ``ade20k``
            ``ADEChallengeData2016``, for ``voc07`` ``VOC2007``, for ``voc0712``
            the one with both years, for ``cityscapes`` the one with ``gtFine/``.
        sha256: For our own sets, of the content. For the user's sets, of the
            sorted ``<relative path> <size in bytes>`` lines: reading 150 GB
            before each run would take longer than many runs, and sizes tell
            apart all but deliberate forgeries.
        shapes_fallback: Whether drawn shapes stand in for photographs.
    """

    id: str
    path: Path
    sha256: str
    shapes_fallback: bool


def require(data_id: str, root: Path) -> DataFolder:
    """Returns a data set's folder.

    Args:
        data_id: ``stamps``, ``stamps-micro``, ``fashion-mnist``, ``imagenet``,
            ``coco``, ``ade20k``, ``voc07``, ``voc0712``, ``cityscapes``, or
            ``own:<folder>`` for a set of the user's in whatever layout the
            configs read.
        root: The data root (`Workspace.data`).

    Raises:
        BenchError: The id is unknown, or the set is missing or incomplete;
            every missing piece is named with the place where it is expected.
    """
    if data_id in OWN:
        path = root / data_id
        manifest = read_manifest(path)
        gone = [name for name in manifest.splits if not (path / name).is_dir()]
        if gone:
            raise BenchError(
                f"{path} is incomplete: {', '.join(gone)} missing.",
                f"See what is wrong: mrcl-bench data verify {data_id}",
            )
        return DataFolder(manifest.id, path, manifest.sha256, manifest.shapes_fallback)
    if data_id.startswith(OTHER):
        path = root / data_id.removeprefix(OTHER)
        complaint = _folder(path, f"data set '{data_id}'")
        if complaint:
            raise BenchError(
                f"data set '{data_id}' is not there: {complaint[0]}.",
                f"Put or link it under {root}, or set MRCL_BENCH_DATA.",
            )
        return DataFolder(data_id, path, _tree_sha256(path, (".",)), False)
    if data_id not in _LAYOUTS:
        raise unknown_name("data set", data_id, known_ids())
    layout = _LAYOUTS[data_id]
    path = root / layout.folder
    missing = layout.missing(path)
    if missing:
        listed = "\n  ".join(missing)
        raise BenchError(
            f"data set '{data_id}' is not complete:\n  {listed}\n",
            f"Put or link it under {root}, or set MRCL_BENCH_DATA; source: {layout.source}",
        )
    return DataFolder(data_id, path, _tree_sha256(path, layout.parts), False)


def folder_of(data_id: str) -> str:
    """Returns where a set lies below the data root, whether it is there or not.

    Raises:
        BenchError: The id is unknown.
    """
    if data_id in OWN:
        return data_id
    if data_id.startswith(OTHER):
        return data_id.removeprefix(OTHER)
    if data_id not in _LAYOUTS:
        raise unknown_name("data set", data_id, known_ids())
    return _LAYOUTS[data_id].folder


def complaints(data_id: str, path: Path) -> list[str]:
    """Everything that is missing in the layout of a public set, wherever it lies."""
    return _LAYOUTS[data_id].missing(path)


def known_ids() -> list[str]:
    """Returns every id that `require` takes."""
    return [*OWN, *_LAYOUTS, f"{OTHER}<folder>"]


def _tree_sha256(path: Path, parts: tuple[str, ...]) -> str:
    """Returns the sha256 of the sorted relative paths and sizes of the parts' files."""
    lines = []
    for part in parts:
        if (path / part).is_file():
            lines.append(f"{part} {(path / part).stat().st_size}\n")
            continue
        for folder, inner, names in os.walk(path / part, followlinks=True):
            inner[:] = [name for name in inner if not name.endswith(PACKED)]
            for name in names:
                file = Path(folder, name)
                lines.append(f"{file.relative_to(path).as_posix()} {file.stat().st_size}\n")
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def _empty(folder: Path) -> bool:
    with os.scandir(folder) as entries:
        return next(entries, None) is None


def _folder(path: Path, what: str) -> list[str]:
    """Returns the complaint about a folder of pictures, if any."""
    if not path.is_dir():
        return [f"missing: {path}/ ({what})"]
    return [f"empty: {path}/ ({what})"] if _empty(path) else []


def _missing_imagenet(path: Path) -> list[str]:
    """Both splits need one folder for each of the 1,000 WordNet ids."""
    missing = []
    classes: dict[str, set[str]] = {}
    for split in ("train", "val"):
        complaint = _folder(path / split, f"{IMAGENET_CLASSES} folders n01440764 … n15075141")
        if complaint:
            missing += complaint
            continue
        with os.scandir(path / split) as entries:
            classes[split] = {
                e.name for e in entries if e.is_dir() and len(e.name) == 9 and e.name[0] == "n"
            }
        count = len(classes[split])
        if count != IMAGENET_CLASSES:
            missing.append(
                f"{path / split}/ has {count} class folders (n01440764 …) instead of "
                f"{IMAGENET_CLASSES}"
                + (
                    "; pictures lie in it directly, sort them into class folders"
                    if count == 0
                    else ""
                )
            )
    if len(classes) == 2 and all(len(c) == IMAGENET_CLASSES for c in classes.values()):
        odd = sorted(classes["train"] ^ classes["val"])
        if odd:
            missing.append(f"train/ and val/ differ in class folders: {', '.join(odd[:10])}")
    return missing


def _missing_coco(path: Path) -> list[str]:
    missing = []
    for split in ("train", "val"):
        file = path / "annotations" / f"instances_{split}2017.json"
        if not file.is_file():
            missing.append(f"missing: {file} (annotations)")
        missing += _folder(path / f"{split}2017", "pictures")
    return missing


def _missing_ade(path: Path) -> list[str]:
    missing = []
    for split in ("training", "validation"):
        for part, what in (("images", "pictures *.jpg"), ("annotations", "label maps *.png")):
            missing += _folder(path / part / split, what)
    return missing


def _missing_voc(path: Path, lists: tuple[str, ...]) -> list[str]:
    """One year of the devkit; ``lists`` are the image sets that protocols read."""
    missing = _folder(path / "Annotations", "boxes *.xml")
    missing += _folder(path / "JPEGImages", "pictures *.jpg")
    for name in lists:
        file = path / "ImageSets" / "Main" / f"{name}.txt"
        if not file.is_file():
            also = "; the test pictures are an archive of their own" if name == "test" else ""
            missing.append(f"missing: {file} (list of pictures{also})")
    return missing


def _missing_voc07(path: Path) -> list[str]:
    return _missing_voc(path, ("trainval", "test"))


def _missing_voc0712(path: Path) -> list[str]:
    # 2012 is trained on only; its test labels were never published.
    return _missing_voc07(path / "VOC2007") + _missing_voc(path / "VOC2012", ("trainval",))


_PICTURE, _LABELS = "_leftImg8bit.png", "_gtFine_labelTrainIds.png"


def _missing_cityscapes(path: Path) -> list[str]:
    """Every picture needs a label map in training ids, which the download does not hold."""
    missing = []
    for split in ("train", "val"):
        complaints = [
            *_folder(path / "leftImg8bit" / split, f"<city>/*{_PICTURE}"),
            *_folder(path / "gtFine" / split, f"<city>/*{_LABELS}"),
        ]
        missing += complaints
        if complaints:
            continue
        pictures = _stems(path / "leftImg8bit" / split, _PICTURE)
        labelled = _stems(path / "gtFine" / split, _LABELS)
        without = sorted(pictures - labelled)
        if not pictures:
            missing.append(f"{path / 'leftImg8bit' / split}/ has no <city>/*{_PICTURE}")
        elif without:
            missing.append(
                f"{path / 'gtFine' / split}/ lacks {len(without)} of {len(pictures)} label maps, "
                f"the first: {without[0]}{_LABELS}"
                + (
                    f"\n    make them from the polygons: pip install cityscapesscripts; "
                    f"CITYSCAPES_DATASET={path} csCreateTrainIdLabelImgs"
                    if _stems(path / "gtFine" / split, "_gtFine_polygons.json")
                    or _stems(path / "gtFine" / split, "_gtFine_labelIds.png")
                    else ""
                )
            )
    return missing


def _stems(folder: Path, ending: str) -> set[str]:
    """``<city>/<picture>`` of the files below the city folders that end so."""
    return {
        file.relative_to(folder).as_posix().removesuffix(ending)
        for file in folder.glob(f"*/*{ending}")
    }


@dataclass(frozen=True)
class _Layout:
    """Where a user's set lies, how it is checked, and which parts are hashed."""

    folder: str
    missing: Callable[[Path], list[str]]
    parts: tuple[str, ...]
    source: str


_VOC_PARTS = ("Annotations", "ImageSets/Main", "JPEGImages")

_LAYOUTS: dict[str, _Layout] = {
    "imagenet": _Layout(
        "imagenet", _missing_imagenet, ("train", "val"), "https://image-net.org (ILSVRC2012)"
    ),
    "coco": _Layout(
        "coco",
        _missing_coco,
        (
            "annotations/instances_train2017.json",
            "annotations/instances_val2017.json",
            "train2017",
            "val2017",
        ),
        "https://cocodataset.org (2017)",
    ),
    "ade20k": _Layout(
        "ade/ADEChallengeData2016",
        _missing_ade,
        ("images", "annotations"),
        "http://sceneparsing.csail.mit.edu",
    ),
    "voc07": _Layout(
        "VOCdevkit/VOC2007",
        _missing_voc07,
        _VOC_PARTS,
        "http://host.robots.ox.ac.uk/pascal/VOC/voc2007 (trainval and test)",
    ),
    "voc0712": _Layout(
        "VOCdevkit",
        _missing_voc0712,
        tuple(f"VOC{year}/{part}" for year in (2007, 2012) for part in _VOC_PARTS),
        "http://host.robots.ox.ac.uk/pascal/VOC (2007 trainval and test, 2012 trainval)",
    ),
    "cityscapes": _Layout(
        "cityscapes",
        _missing_cityscapes,
        ("leftImg8bit/train", "leftImg8bit/val", "gtFine/train", "gtFine/val"),
        "https://www.cityscapes-dataset.com (leftImg8bit_trainvaltest, gtFine_trainvaltest)",
    ),
}
