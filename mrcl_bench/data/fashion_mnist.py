"""Writes a balanced part of Fashion-MNIST as an ImageFolder: real grey photographs.

    fashion-mnist/{train,val}/<class>/*.png    28 x 28 px, one channel

``val`` comes from the original test files. The rest of the 70,000 stays in
the package: at 2 cores the small part already takes minutes to train on.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mrcl_bench.data import debian
from mrcl_bench.data.folder import NewFolder
from mrcl_bench.data.manifest import Manifest, read_manifest
from mrcl_bench.data.source import Progress
from mrcl_bench.errors import BenchError

CLASSES = (
    "t-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle-boot",
)
MAKER = 1
COUNTS = {"train": 6000, "val": 3000}
_FILES = {"train": "train", "val": "t10k"}
_CREDITS = "Fashion-MNIST, MIT (Expat), Zalando SE 2017; Debian package dataset-fashion-mnist."


def make_fashion_mnist(
    out: Path, *, progress: Progress | None = None, force: bool = False
) -> Manifest:
    """Makes the folder, or returns at once where it lies there complete.

    Takes the first pictures of each class in the order of the original files.

    Args:
        out: Folder of the set; packages are cached in ``<parent>/.cache``.
        progress: Called with (pictures done, of, what).
        force: Make it even if it is there.

    Raises:
        BenchError: The package cannot be fetched or read.
    """
    if not force and (there := _existing(out)) is not None:
        return there
    tell = progress or (lambda done, total, what: None)
    total = sum(COUNTS.values())
    tell(0, total, f"fetching {debian.FASHION_MNIST.name}")
    package = debian.fetch(debian.FASHION_MNIST, out.parent / ".cache")
    with debian.unpacked(package) as root, NewFolder(out) as folder:
        done, mean, std = 0, 0.0, 0.0
        for split, count in COUNTS.items():
            stem = root / "usr/share/datasets/fashion-mnist" / _FILES[split]
            pictures = read_idx(stem.with_name(f"{stem.name}-images-idx3-ubyte.gz"))
            labels = read_idx(stem.with_name(f"{stem.name}-labels-idx1-ubyte.gz"))
            each = count // len(CLASSES)
            chosen = [np.flatnonzero(labels == k)[:each] for k in range(len(CLASSES))]
            if split == "train":
                values = pictures[np.concatenate(chosen)].astype(np.float64)
                mean, std = float(values.mean()), float(values.std())
            for name, indices in zip(CLASSES, chosen, strict=True):
                for index in indices:
                    folder.write_image(f"{split}/{name}/{int(index):05d}.png", pictures[index])
                done += len(indices)
                tell(done, total, split)
        about: dict[str, Any] = {
            "name": package.name,
            "version": package.version,
            "sha256": package.sha256,
            "pinned": package.pinned,
        }
        folder.finish(
            list(COUNTS),
            id="fashion-mnist",
            maker=MAKER,
            seed=0,
            sizes=COUNTS,
            shapes_fallback=False,
            classes=list(CLASSES),
            stuff=[],
            mean=[round(mean, 3)] * 3,
            std=[round(std, 3)] * 3,
            packages=[about],
            credits=_CREDITS,
        )
    return read_manifest(out)


def read_idx(path: Path) -> npt.NDArray[np.uint8]:
    """Reads a gzipped IDX file of unsigned bytes.

    Raises:
        BenchError: It is missing or damaged.
    """
    try:
        with gzip.open(path) as file:
            content = file.read()
        dims = content[3]
        shape = [int.from_bytes(content[4 + 4 * k : 8 + 4 * k], "big") for k in range(dims)]
        if content[:3] != b"\x00\x00\x08":
            raise ValueError("not an IDX file of bytes")
        return np.frombuffer(content, np.uint8, offset=4 + 4 * dims).reshape(shape)
    except (OSError, EOFError, ValueError, IndexError) as error:
        raise BenchError(
            f"{path.name} of {debian.FASHION_MNIST.name} cannot be read: {error}.",
            f"Version {debian.FASHION_MNIST.version} of the package is needed.",
        ) from error


def _existing(out: Path) -> Manifest | None:
    try:
        manifest = read_manifest(out)
    except BenchError:
        return None
    for name, split in manifest.splits.items():
        if sum(1 for _ in (out / name).glob("*/*.png")) != split.count:
            return None
    return manifest if (manifest.maker, manifest.sizes) == (MAKER, COUNTS) else None
