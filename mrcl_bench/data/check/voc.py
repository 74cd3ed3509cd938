"""Check of PASCAL VOC's lists and XML files."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

from mrcl_bench.data.check.findings import Report
from mrcl_bench.data.check.pictures import Picture
from mrcl_bench.data.labels import VOC_CLASSES

_NUMBERS = {(2007, "trainval"): 5_011, (2007, "test"): 4_952, (2012, "trainval"): 11_540}


def voc(report: Report, counts: bool) -> list[Picture]:
    """All lists that protocols read; returns the pictures to open."""
    pictures: list[Picture] = []
    for (year, name), expected in _NUMBERS.items():
        root = report.path / f"VOC{year}"
        file = root / "ImageSets" / "Main" / f"{name}.txt"
        if not file.is_file():
            continue  # the layout says so
        stems = file.read_text().split()
        if counts and len(stems) != expected:
            report.add("wrong number", file, f"{len(stems)} pictures instead of {expected}")
        for stem, times in Counter(stems).items():
            if times > 1:
                report.add("id doubled", file, f"{stem}: {times} lines")
        for stem in dict.fromkeys(stems):
            size = _page(report, root / "Annotations" / f"{stem}.xml")
            pictures.append(Picture(root / "JPEGImages" / f"{stem}.jpg", size))
    return pictures


def _page(report: Report, file: Path) -> tuple[int, int] | None:
    """Checks one XML file; returns the size that it gives to its picture."""
    try:
        root = ElementTree.fromstring(file.read_bytes())
    except FileNotFoundError:
        report.add("missing", file, "the file is not there")
        return None
    except (ElementTree.ParseError, OSError) as error:
        report.add("broken XML", file, str(error))
        return None
    wide, high = _number(root, "size/width"), _number(root, "size/height")
    size = None if wide is None or high is None else (int(wide), int(high))
    if size is None:
        report.add("broken entry", file, "no size")
    for place, thing in enumerate(root.findall("object")):
        where = f"{report.relative(file)}: object {place + 1}"
        name = thing.findtext("name", "").strip()
        if name not in VOC_CLASSES:
            report.add("unknown class", where, f"'{name}'")
        box = [_number(thing, f"bndbox/{key}") for key in ("xmin", "ymin", "xmax", "ymax")]
        sides = [side for side in box if side is not None]
        if len(sides) < 4:
            report.add("bad box", where, "a corner is missing or no finite number")
            continue
        left, top, right, bottom = sides
        if right < left or bottom < top:
            report.add("bad box", where, f"corners the wrong way round: {sides}")
        elif size is not None and (left < 1 or top < 1 or right > size[0] or bottom > size[1]):
            report.add("box outside", where, f"{sides} in a picture of {size[0]} x {size[1]} px")
    return size


def _number(root: ElementTree.Element, path: str) -> float | None:
    try:
        value = float(root.findtext(path, ""))
    except ValueError:
        return None
    return value if math.isfinite(value) else None
