"""Cut-outs and backgrounds in memory, at the small size that pictures are made from."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from mrcl_bench.data import debian
from mrcl_bench.data.kinds import CREDITS, KINDS, NOVEL_PART, PHOTOS, STUFF, Box, Kind
from mrcl_bench.errors import BenchError

Image = npt.NDArray[np.uint8]
Progress = Callable[[int, int, str], None]
"""Called with (done, total, what is being done)."""

CUTOUT_SIDE = 112
"""Longest side of a cut-out in memory, pixels; no picture shows one larger than 77."""
_SCENE_SIDE = 420
_STUFF_SIDE = 200
_OPAQUE = 128


@dataclass(frozen=True)
class Cutout:
    """An object without its background.

    Attributes:
        name: ``<folder>/<stem>`` of the original.
        pixels: ``(H, W, 4)`` BGRA, colours multiplied by alpha, trimmed to the object.
    """

    name: str
    pixels: Image


@dataclass(frozen=True)
class Texture:
    """A background picture: name and ``(H, W, 3)`` BGR pixels."""

    name: str
    pixels: Image


@dataclass(frozen=True)
class Backgrounds:
    """Backgrounds of one split.

    Attributes:
        scenes: For pictures without a label map.
        stuff: For each background class, pictures that show nothing else.
    """

    scenes: list[Texture]
    stuff: dict[str, list[Texture]]


@dataclass(frozen=True)
class Source:
    """Everything that pictures are put together from.

    Attributes:
        known: Cut-outs of each kind for training and validation.
        novel: Cut-outs of each kind that training never sees.
        backgrounds: By split, ``"train"`` and ``"val"``.
        shapes_fallback: Whether all of this is drawn, not photographed.
        packages: Name, version, sha256 and pinned flag of every source package.
        credits: Licence and authors.
    """

    known: dict[str, list[Cutout]]
    novel: dict[str, list[Cutout]]
    backgrounds: dict[str, Backgrounds]
    shapes_fallback: bool
    packages: list[dict[str, Any]] = field(default_factory=list)
    credits: str = ""

    @property
    def kinds(self) -> list[str]:
        """Object classes; the position is the label."""
        return list(self.known)

    @property
    def stuff(self) -> list[str]:
        """Background classes; their labels follow the objects'."""
        return list(self.backgrounds["train"].stuff)


def split_novel(cutouts: list[Cutout], part: float) -> tuple[list[Cutout], list[Cutout]]:
    """Holds a part of the cut-outs back.

    The choice hangs on the names alone, not on the seed: sets of different
    seeds then hold back the same objects, so a model pretrained on one can be
    judged on the other.

    Returns:
        Known and novel cut-outs, each sorted by name; at least one of each.
    """
    ranked = sorted(cutouts, key=lambda c: hashlib.sha256(c.name.encode()).hexdigest())
    count = math.ceil(len(ranked) * part)
    by_name = sorted(ranked[count:], key=lambda c: c.name)
    return by_name, sorted(ranked[:count], key=lambda c: c.name)


def prepare_cutout(name: str, bgra: Image) -> Cutout:
    """Multiplies by alpha, trims to the object and shrinks to `CUTOUT_SIDE`.

    Args:
        name: Name to keep.
        bgra: ``(H, W, 4)`` uint8, colours not multiplied by alpha.
    """
    # Colours are multiplied before shrinking: what lies under a transparent
    # pixel (mostly white) would otherwise bleed into the edge as a halo.
    alpha = bgra[..., 3:].astype(np.uint16)
    pixels = bgra.copy()
    pixels[..., :3] = (bgra[..., :3] * alpha + 127) // 255
    pixels = trim(pixels)
    height, width = pixels.shape[:2]
    scale = CUTOUT_SIDE / max(height, width)
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
        pixels = trim(pixels)
    return Cutout(name, np.ascontiguousarray(pixels))


def trim(pixels: Image) -> Image:
    """Cuts a BGRA picture to the box of its opaque pixels (alpha of at least one half)."""
    solid = pixels[..., 3] >= _OPAQUE
    rows, columns = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
    if not rows.size:
        return pixels
    return pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def load_stamps(cache: Path, progress: Progress | None = None) -> Source:
    """Fetches the Debian packages and reads the photographs.

    Args:
        cache: Folder for the package files.
        progress: Called before and after each step.

    Raises:
        BenchError: A package cannot be fetched, or a file is missing in it.
    """
    tell = progress or (lambda done, total, what: None)
    pins = [debian.STAMPS, debian.PLASMA, debian.MATE, debian.LOMIRI]
    total = 2 * len(pins)
    packages: list[debian.Package] = []
    for step, pin in enumerate(pins):
        tell(step, total, f"fetching {pin.name}")
        packages.append(debian.fetch(pin, cache))
    with ExitStack() as stack:
        roots: dict[str, Path] = {}
        for step, package in enumerate(packages, start=len(pins)):
            tell(step, total, f"unpacking {package.name}")
            roots[package.name] = stack.enter_context(debian.unpacked(package))
        known, novel = {}, {}
        for kind in KINDS:
            cutouts = _read_kind(kind, roots[debian.STAMPS.name] / "usr/share/tuxpaint/stamps")
            known[kind.name], novel[kind.name] = split_novel(cutouts, NOVEL_PART)
        backgrounds = {split: _read_photos(split, roots) for split in ("train", "val")}
    tell(total, total, "photographs read")
    listed = [
        {"name": p.name, "version": p.version, "sha256": p.sha256, "pinned": p.pinned}
        for p in packages
    ]
    return Source(known, novel, backgrounds, False, listed, CREDITS)


def _read_kind(kind: Kind, root: Path) -> list[Cutout]:
    """Reads the cut-outs of one kind, sorted by name."""
    files = [
        file
        for folder in kind.folders
        for file in (root / folder).glob("*.png")
        if file.stem not in kind.without
    ]
    files += [root / f"{name}.png" for name in kind.extra]
    cutouts = []
    for file in sorted(set(files)):
        bgra = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
        if bgra is None:
            raise _unreadable(file, root)
        # A picture without alpha would paste its white sheet with it.
        if bgra.dtype == np.uint8 and bgra.ndim == 3 and bgra.shape[2] == 4:
            name = str(file.relative_to(root).with_suffix(""))
            cutouts.append(prepare_cutout(name, np.asarray(bgra, np.uint8)))
    if len(cutouts) < 4:
        raise BenchError(
            f"only {len(cutouts)} cut-outs of '{kind.name}' in {debian.STAMPS.name}.",
            f"Version {debian.STAMPS.version} of the package is needed.",
        )
    return cutouts


def _read_photos(split: str, roots: dict[str, Path]) -> Backgrounds:
    """Reads the backgrounds of one split."""
    scenes: list[Texture] = []
    stuff: dict[str, list[Texture]] = {name: [] for name in STUFF}
    for photo in PHOTOS:
        if photo.split != split:
            continue
        file = roots[photo.package.name] / photo.path
        pixels = cv2.imread(str(file), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        if pixels is None:
            raise _unreadable(file, roots[photo.package.name])
        whole = np.asarray(pixels, np.uint8)
        if photo.scene is not None:
            scenes.append(Texture(photo.name, _region(whole, photo.scene, _SCENE_SIDE)))
        for name, box in photo.stuff:
            stuff[name].append(Texture(photo.name, _region(whole, box, _STUFF_SIDE)))
    return Backgrounds(scenes, stuff)


def _region(pixels: Image, box: Box, short_side: int) -> Image:
    """Cuts a region out and shrinks it so that its shorter side has at most `short_side`."""
    height, width = pixels.shape[:2]
    part = pixels[
        round(box[1] * height) : round(box[3] * height),
        round(box[0] * width) : round(box[2] * width),
    ]
    scale = short_side / min(part.shape[:2])
    if scale < 1:
        size = (round(part.shape[1] * scale), round(part.shape[0] * scale))
        part = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
    return np.ascontiguousarray(part)


def _unreadable(file: Path, root: Path) -> BenchError:
    return BenchError(
        f"{file.relative_to(root)} is missing or unreadable in its Debian package.",
        "The package is another version than the pinned one; see 'pinned' in the set's manifest.",
    )
