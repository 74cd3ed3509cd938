"""Chooses what the embedded set is made of: photographs, or shapes where there are none."""

from __future__ import annotations

from pathlib import Path

from mrcl_bench.data import debian
from mrcl_bench.data.manifest import Manifest
from mrcl_bench.data.shapes import load_shapes
from mrcl_bench.data.source import Progress, load_stamps
from mrcl_bench.data.stamps import FULL, MICRO, existing, make_stamps
from mrcl_bench.errors import BenchError, unknown_name

SOURCES = ("auto", "stamps", "shapes")


def make(
    out: Path,
    *,
    source: str = "auto",
    micro: bool = False,
    seed: int = 0,
    force: bool = False,
    progress: Progress | None = None,
) -> tuple[Manifest, str]:
    """Makes the set from the source asked for, or returns at once where it is there.

    Args:
        out: Folder of the set.
        source: ``"stamps"`` for photographs or an error, ``"shapes"`` for
            drawn shapes, ``"auto"`` for photographs where they can be had.
        micro: Make the small set that tests use.
        seed: Of every choice.
        force: Make it even if it is there.
        progress: Called with (done, total, what).

    Returns:
        The manifest, and one line of warning where ``"auto"`` had to take
        shapes (else empty).

    Raises:
        BenchError: The source is unknown, or photographs were demanded and
            cannot be had.
    """
    if source not in SOURCES:
        raise unknown_name("source", source, SOURCES)
    sizes = MICRO if micro else FULL
    if not force:
        shapes = None if source == "auto" else source == "shapes"
        there = existing(out, seed, sizes, shapes)
        if there is not None and not (source == "auto" and there.shapes_fallback):
            return there, ""
    warning = ""
    pictures = None
    if source != "shapes":
        try:
            if not debian.available():
                raise BenchError(
                    "apt-get or dpkg-deb is not on this machine.",
                    "Take drawn shapes: mrcl-bench data stamps --source shapes",
                )
            pictures = load_stamps(out.parent / ".cache", progress)
        except BenchError as error:
            if source == "stamps":
                raise
            warning = (
                f"no photographs ({error.what.rstrip('.')}); drawn shapes take their place "
                "and every table says so."
            )
    manifest = make_stamps(
        out,
        seed=seed,
        sizes=sizes,
        cutouts=pictures or load_shapes(),
        progress=progress,
        force=force,
    )
    return manifest, warning
