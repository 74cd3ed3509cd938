"""Checks of the sets whose labels are folders or label maps: ImageNet, ADE20K, Cityscapes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mrcl_bench.data.check.findings import Report
from mrcl_bench.data.check.pictures import Picture
from mrcl_bench.data.labels import ADE20K_CLASSES, CITYSCAPES_IDS, imagenet_ids

_ADE_LABELS = frozenset(range(ADE20K_CLASSES + 1))
_CITY_LABELS = frozenset(CITYSCAPES_IDS) | {255}
_ENDINGS = {".jpeg", ".jpg", ".png"}


def imagenet(report: Report, counts: bool) -> list[Picture]:
    """Class folders by name and number; returns the pictures to open."""
    known = imagenet_ids()
    pictures: list[Picture] = []
    for split, expected in (("train", 1_281_167), ("val", 50_000)):
        folder = report.path / split
        if not folder.is_dir():
            continue  # the layout says so
        found = 0
        for group in sorted(path for path in folder.iterdir() if path.is_dir()):
            if known is not None and group.name not in known:
                report.add("unknown class", group, "no WordNet id of ILSVRC 2012")
            inside = 0
            for file in sorted(group.iterdir()):
                if file.suffix.lower() not in _ENDINGS:
                    report.add("stray file", file, "no picture by its name", note=True)
                    continue
                pictures.append(Picture(file))
                inside += 1
            if not inside:
                report.add("empty class", group, "no pictures")
            elif counts and split == "val" and inside != 50:
                report.add("wrong number", group, f"{inside} pictures instead of 50")
            found += inside
        if counts and found != expected:
            report.add("wrong number", folder, f"{found} pictures instead of {expected}")
    return pictures


@dataclass(frozen=True)
class _Maps:
    """Where pictures and their label maps lie in a set, by what they end in, and which labels."""

    images: str
    maps: str
    of_image: str
    of_map: str
    labels: frozenset[int]


_ADE20K = _Maps("images", "annotations", ".jpg", ".png", _ADE_LABELS)
_CITYSCAPES = _Maps(
    "leftImg8bit", "gtFine", "_leftImg8bit.png", "_gtFine_labelTrainIds.png", _CITY_LABELS
)


def ade20k(report: Report, counts: bool) -> list[Picture]:
    """Pairs of picture and label map; returns both to open."""
    return _pairs(report, counts, _ADE20K, {"training": 20_210, "validation": 2_000})


def cityscapes(report: Report, counts: bool) -> list[Picture]:
    """Pairs of picture and label map in training ids; returns both to open."""
    return _pairs(report, counts, _CITYSCAPES, {"train": 2_975, "val": 500})


def _pairs(report: Report, counts: bool, kind: _Maps, splits: dict[str, int]) -> list[Picture]:
    pictures: list[Picture] = []
    for split, expected in splits.items():
        where = report.path / kind.images / split
        images = _files(where, kind.of_image)
        maps = _files(report.path / kind.maps / split, kind.of_map)
        _pair(report, images, maps)
        pictures += [Picture(file) for file in images.values()]
        pictures += [Picture(file, labels=kind.labels) for file in maps.values()]
        if counts and images and len(images) != expected:
            report.add("wrong number", where, f"{len(images)} pictures instead of {expected}")
    return pictures


def unequal_pairs(report: Report, sizes: dict[Path, tuple[int, int]]) -> None:
    """Adds a finding for every label map that has another size than its picture."""
    for kind in (_ADE20K, _CITYSCAPES):
        for path, size in sizes.items():
            relative = path.relative_to(report.path)
            if relative.parts[0] != kind.maps:
                continue
            stem = relative.as_posix().removesuffix(kind.of_map).removeprefix(kind.maps)
            other = report.path / f"{kind.images}{stem}{kind.of_image}"
            if other in sizes and sizes[other] != size:
                wide, high = sizes[other]
                report.add(
                    "wrong size",
                    path,
                    f"{size[0]} x {size[1]} px, its picture has {wide} x {high}",
                )


def _files(folder: Path, ending: str) -> dict[str, Path]:
    """Stem below the folder to file, for all files that end so."""
    return {
        path.relative_to(folder).as_posix().removesuffix(ending): path
        for path in sorted(folder.rglob(f"*{ending}"))
    }


def _pair(report: Report, images: dict[str, Path], maps: dict[str, Path]) -> None:
    for stem in sorted(images.keys() - maps.keys()):
        report.add("missing", images[stem], "the picture has no label map")
    for stem in sorted(maps.keys() - images.keys()):
        report.add("missing", maps[stem], "the label map has no picture")
