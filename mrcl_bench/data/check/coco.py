"""Check of COCO's instance files, entry by entry."""

from __future__ import annotations

import json
from typing import Any

from mrcl_bench.data.check.findings import Report
from mrcl_bench.data.check.pictures import Picture
from mrcl_bench.data.labels import COCO_CATEGORIES

_ROUNDING = 1.0
"""Published boxes reach this far out of their pictures, pixels."""


def coco(report: Report, counts: bool) -> list[Picture]:
    """Both instance files; returns the pictures to open."""
    pictures: list[Picture] = []
    for split, expected in (("train", 118_287), ("val", 5_000)):
        file = report.path / "annotations" / f"instances_{split}2017.json"
        if not file.is_file():
            continue  # the layout says so
        name = report.relative(file)
        content = read(report, name, file.read_bytes())
        if content is None:
            continue
        named(report, name, content["categories"])
        images = entries(report, name, content)
        if counts and len(images) != expected:
            report.add("wrong number", name, f"{len(images)} pictures instead of {expected}")
        folder = report.path / f"{split}2017"
        for image in images.values():
            size = (image.get("width"), image.get("height"))
            whole = all(isinstance(side, int) for side in size)
            pictures.append(
                Picture(folder / str(image.get("file_name")), size if whole else None)  # type: ignore[arg-type]
            )
    return pictures


def read(report: Report, name: str, raw: bytes) -> dict[str, list[Any]] | None:
    """Parses an instances file; None, and a finding, where it is none."""
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError) as error:
        report.add("broken JSON", name, str(error)[:200])
        return None
    if not isinstance(content, dict):
        report.add("broken JSON", name, "no JSON object")
        return None
    for key in ("images", "annotations", "categories"):
        if not isinstance(content.get(key), list):
            report.add("broken JSON", name, f"no list '{key}'")
            return None
    return content


def entries(report: Report, name: str, content: dict[str, list[Any]]) -> dict[Any, dict[str, Any]]:
    """Checks all entries of an instances file, whatever its classes are called.

    Returns:
        Image id to its entry.
    """
    known: set[Any] = set()
    for place, category in enumerate(content["categories"]):
        number = _id(category)
        if number is None or not isinstance(category.get("name"), str):
            report.add("broken entry", f"{name}: categories[{place}]", "no id or no name")
        elif number in known:
            report.add("id doubled", f"{name}: category {number}", f"categories[{place}]")
        known.add(number)
    images = _images(report, name, content["images"])
    _annotations(report, name, content["annotations"], images, known - {None})
    return images


def named(report: Report, name: str, categories: list[Any]) -> None:
    """Compares the classes with COCO's own."""
    found = {_id(c): c.get("name") for c in categories if _id(c) is not None}
    for known, title in COCO_CATEGORIES.items():
        if known not in found:
            report.add("class missing", f"{name}: category {known}", f"'{title}' is not there")
        elif found[known] != title:
            report.add(
                "class renamed",
                f"{name}: category {known}",
                f"'{_short(found[known])}' instead of '{title}'",
            )
    for number in found.keys() - COCO_CATEGORIES.keys():
        report.add("unknown class", f"{name}: category {number}", f"'{_short(found[number])}'")


def _id(entry: Any, key: str = "id") -> int | str | None:
    """The id that an entry states, if it is one."""
    value = entry.get(key) if isinstance(entry, dict) else None
    return value if isinstance(value, int | str) and not isinstance(value, bool) else None


def _short(value: Any) -> str:
    """What a message shows of a value from a file."""
    try:
        return str(value)[:200]
    except (RecursionError, ValueError):  # nested too deep, or an integer too long to print
        return f"a {type(value).__name__}"


def _images(report: Report, name: str, images: list[Any]) -> dict[Any, dict[str, Any]]:
    found: dict[Any, dict[str, Any]] = {}
    files: set[str] = set()
    for place, image in enumerate(images):
        number = _id(image)
        if number is None or not isinstance(image.get("file_name"), str):
            report.add("broken entry", f"{name}: images[{place}]", "no id or no file_name")
            continue
        file = image["file_name"]
        if number in found:
            report.add("id doubled", f"{name}: image {number}", f"{file}, images[{place}]")
            continue
        if file in files:
            report.add("file doubled", f"{name}: image {number}", file)
        files.add(file)
        found[number] = image
    return found


def _annotations(
    report: Report,
    name: str,
    annotations: list[Any],
    images: dict[Any, dict[str, Any]],
    categories: set[Any],
) -> None:
    seen: set[Any] = set()
    for place, entry in enumerate(annotations):
        if not isinstance(entry, dict):
            report.add("broken entry", f"{name}: annotations[{place}]", "no object")
            continue
        number = _id(entry)
        where = f"{name}: annotation {number}"
        if number is None or number in seen:
            what = "no id" if number is None else f"a second entry, annotations[{place}]"
            report.add("id doubled" if number is not None else "broken entry", where, what)
        seen.add(number)
        image = images.get(_id(entry, "image_id"))
        if image is None:
            report.add("orphan", where, f"there is no image {_short(entry.get('image_id'))}")
        if _id(entry, "category_id") not in categories:
            report.add("unknown class", where, f"there is no category {_short(entry.get('category_id'))}")
        _box(report, where, entry.get("bbox"), image)
        _outline(report, where, entry)


def _finite(value: Any) -> bool:
    # so that sums are finite, too
    return isinstance(value, int | float) and abs(value) < 1e300


def _box(report: Report, where: str, box: Any, image: dict[str, Any] | None) -> None:
    if not isinstance(box, list) or len(box) != 4 or not all(map(_finite, box)):
        report.add("bad box", where, f"bbox is {_short(box)}")
        return
    left, top, wide, high = box
    if wide < 0 or high < 0:
        report.add("bad box", where, f"negative size: {box}")
        return
    if wide == 0 or high == 0:  # a few of the published ones are
        report.add("box without area", where, f"{box}; left out of training", note=True)
    size = (image or {}).get("width"), (image or {}).get("height")
    if not all(map(_finite, size)):
        return
    out = max(-left, -top, left + wide - size[0], top + high - size[1])
    if out > _ROUNDING:
        report.add("box outside", where, f"{box} in a picture of {size[0]} x {size[1]} px")


def _outline(report: Report, where: str, entry: dict[str, Any]) -> None:
    area, outline = entry.get("area"), entry.get("segmentation")
    if not _finite(area) or area < 0:  # type: ignore[operator]
        report.add("bad mask", where, f"area is {_short(area)}")
    if isinstance(outline, dict):
        if "counts" not in outline or "size" not in outline:
            report.add("bad mask", where, "run lengths without counts or size")
    elif not isinstance(outline, list) or not outline:
        report.add("bad mask", where, "no segmentation")
    else:
        for polygon in outline:
            right = isinstance(polygon, list) and len(polygon) >= 6 and len(polygon) % 2 == 0
            if not right or not all(map(_finite, polygon)):
                report.add("bad mask", where, "a polygon of fewer than 3 points, or not finite")
                break
