"""Opens pictures and label maps, many at a time, and says what is wrong with each."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from mrcl_bench.data.check.findings import Finding, Report
from mrcl_bench.data.source import Progress

_CHUNK = 512
_ORIENTATION = 0x0112
_BITS = ("L", "P")
"""Modes of an 8-bit map with one channel."""


@dataclass(frozen=True)
class Picture:
    """A file to open.

    Attributes:
        path: The file.
        size: Width and height that it must have, if that is known.
        labels: For a label map, the values that it may hold; None for a picture.
    """

    path: Path
    size: tuple[int, int] | None = None
    labels: frozenset[int] | None = None


def examine(
    report: Report, pictures: list[Picture], fast: bool, progress: Progress | None
) -> dict[Path, tuple[int, int]]:
    """Opens all pictures in threads (decoding releases the interpreter) and adds what is wrong.

    Args:
        report: Gets the findings.
        pictures: What to open.
        fast: Read headers only: neither half a picture nor a wrong label is noticed then.
        progress: Called with (done, of, what).

    Returns:
        Width and height of every file whose header could be read.
    """
    sizes: dict[Path, tuple[int, int]] = {}
    total = len(pictures)
    workers = min(32, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 4)
    with ThreadPoolExecutor(workers) as pool:
        for begin in range(0, total, _CHUNK):
            chunk = pictures[begin : begin + _CHUNK]
            for picture, (size, findings) in zip(
                chunk, pool.map(lambda one: _open(one, fast, report), chunk), strict=True
            ):
                if size is not None:
                    sizes[picture.path] = size
                report.extend(findings)
            report.pictures += len(chunk)
            if progress is not None:
                progress(begin + len(chunk), total, "pictures")
    return sizes


def _open(
    picture: Picture, fast: bool, report: Report
) -> tuple[tuple[int, int] | None, list[Finding]]:
    from PIL import Image

    where = report.relative(picture.path)
    fault = _no_picture(picture.path)
    if fault is not None:
        return None, [Finding(fault[0], where, fault[1])]
    size: tuple[int, int] | None = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(picture.path) as image:
                size = image.size
                found = list(_odd(image, picture, where))
                if not fast:
                    image.load()
                    if picture.labels is not None and image.mode in _BITS:
                        found += _wrong_labels(image, picture.labels, where)
                return size, found
    except Exception as error:  # decoders raise anything on damaged bytes
        text = str(error) or type(error).__name__
        kind = "truncated" if "truncated" in text.lower() else "unreadable"
        if size is None and kind == "unreadable":
            text = _sniff(picture.path) or text
        return size, [Finding(kind, where, text[:200])]


def _no_picture(path: Path) -> tuple[str, str] | None:
    try:
        if path.stat().st_size == 0:
            return "empty", "0 bytes"
    except FileNotFoundError:
        return "missing", "the file is not there"
    except OSError as error:
        return "unreadable", str(error.strerror)
    return None


def _sniff(path: Path) -> str | None:
    """Says what a file is that is no picture, where that is easy to see."""
    with path.open("rb") as file:
        head = file.read(512)
    start = head.lstrip().lower()
    if start.startswith((b"<!doctype", b"<html", b"<head", b"<?xml")):
        return "an HTML or XML page, not a picture"
    if start.startswith(b"version https://git-lfs"):
        return "a git-lfs pointer, not the picture"
    try:
        text = head.decode()
    except UnicodeDecodeError:
        return None
    return "text, not a picture" if text.isprintable() or "\n" in text else None


def _odd(image: object, picture: Picture, where: str) -> Iterator[Finding]:
    """What the header shows."""
    size, mode = image.size, image.mode  # type: ignore[attr-defined]
    if picture.size is not None and size != picture.size:
        yield Finding(
            "wrong size",
            where,
            f"{size[0]} x {size[1]} px instead of {picture.size[0]} x {picture.size[1]}",
        )
    if picture.labels is not None:
        if mode not in _BITS:
            yield Finding("wrong mode", where, f"{mode} instead of 8-bit labels in one channel")
        return
    turned = image.getexif().get(_ORIENTATION, 1)  # type: ignore[attr-defined]
    if turned not in (0, 1):
        yield Finding(
            "EXIF-rotated",
            where,
            f"orientation {turned}: boxes and maps must mean the picture as it is stored",
            note=True,
        )


def _wrong_labels(image: object, allowed: frozenset[int], where: str) -> Iterator[Finding]:
    histogram = image.histogram()  # type: ignore[attr-defined]
    wrong = [value for value, count in enumerate(histogram) if count and value not in allowed]
    if wrong:
        shown = ", ".join(map(str, wrong[:8])) + (" …" if len(wrong) > 8 else "")
        pixels = sum(histogram[value] for value in wrong)
        yield Finding("label out of range", where, f"{shown} in {pixels} pixels")
