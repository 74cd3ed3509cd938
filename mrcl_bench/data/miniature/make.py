"""Writes all miniatures at once, or finds that they are there."""

from __future__ import annotations

from pathlib import Path

from mrcl_bench.data.folder import NewFolder
from mrcl_bench.data.manifest import Manifest, read_manifest
from mrcl_bench.data.miniature import ade20k, cityscapes, coco, imagenet, voc
from mrcl_bench.data.miniature.studio import Studio
from mrcl_bench.data.shapes import load_shapes
from mrcl_bench.data.source import Progress, Source
from mrcl_bench.errors import EXIT_USAGE, BenchError

MINIATURE = "miniature"
MAKER = 3
"""Raised with every change that alters a file, so that old miniatures are made anew."""
_SETS = (imagenet, coco, voc, ade20k, cityscapes)


def make_miniature(
    out: Path, *, seed: int = 0, pictures: Source | None = None, progress: Progress | None = None
) -> Manifest:
    """Writes the miniatures of all public sets, or returns at once where they are there.

    The same seed and pictures give the same bytes.

    Args:
        out: Folder that becomes a data root: ``imagenet/``, ``coco/`` … lie directly in it.
        seed: Of every choice.
        pictures: What scenes are put together from; drawn shapes by default, which need no
            network.
        progress: Called with (sets done, of, what).

    Returns:
        The manifest.

    Raises:
        BenchError: ``out`` holds something else, or cannot be written.
    """
    shapes = pictures is None or pictures.shapes_fallback
    there = _there(out)
    if there is not None and (there.maker, there.seed, there.shapes_fallback) == (
        MAKER,
        seed,
        shapes,
    ):
        return there
    source = pictures or load_shapes()
    with NewFolder(out) as folder:
        for number, part in enumerate(_SETS):
            if progress is not None:
                progress(number, len(_SETS), part.NAME)
            part.write(folder, Studio(source, [seed, number]))
        folder.finish(
            [split for part in _SETS for split in part.SPLITS],
            id=MINIATURE,
            maker=MAKER,
            seed=seed,
            sizes={},
            shapes_fallback=shapes,
            classes=source.kinds,
            stuff=source.stuff,
            mean=[],
            std=[],
            packages=source.packages,
            credits=source.credits,
        )
    return read_manifest(out)


def _there(out: Path) -> Manifest | None:
    """The manifest of complete miniatures; None where there is nothing or an incomplete one.

    Raises:
        BenchError: Something else lies there, which must not be replaced.
    """
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return None
    try:
        manifest = read_manifest(out)
    except BenchError:
        manifest = None
    if manifest is None or manifest.id != MINIATURE:
        raise BenchError(
            f"{out} holds something else than miniatures, and they would replace it.",
            "Name a folder that is empty or not there.",
            EXIT_USAGE,
        )
    for name, split in manifest.splits.items():
        if sum(path.is_file() for path in (out / name).rglob("*")) != split.count:
            return None
    return manifest
