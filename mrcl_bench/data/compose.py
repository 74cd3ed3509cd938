"""Puts cut-outs on backgrounds; boxes, masks and label maps are exact by construction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from mrcl_bench.data.source import Cutout, Image, Texture, trim

_OPAQUE = 128
_MIN_VISIBLE = 0.4
"""Objects are placed so that at least this part of each stays in sight."""
_MIN_PIXELS = 24
_SHADE = 0.25


@dataclass(frozen=True)
class Thing:
    """One object in a scene.

    Attributes:
        label: Class, from 0.
        name: Name of the cut-out.
        mask: ``(H, W)`` bool, the pixels of it that are in sight.
    """

    label: int
    name: str
    mask: npt.NDArray[np.bool_]

    @property
    def box(self) -> list[int]:
        """Left, top, width, height of the mask, pixels."""
        rows, columns = np.flatnonzero(self.mask.any(1)), np.flatnonzero(self.mask.any(0))
        left, top = int(columns[0]), int(rows[0])
        return [left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1]


def window(rng: np.random.Generator, texture: Texture, size: tuple[int, int]) -> Image:
    """Cuts a random window of a picture and resizes it.

    Args:
        rng: Source of chance.
        texture: Picture to cut from.
        size: Width and height wanted, pixels.

    Returns:
        ``(height, width, 3)`` uint8, a copy; mirrored half of the time.
    """
    width, height = size
    most = min(texture.pixels.shape[1] / width, texture.pixels.shape[0] / height)
    # Not below the wanted size where the picture allows it: enlarging blurs.
    scale = rng.uniform(min(1.0, most), max(min(2.5, most), min(1.0, most)))
    across = min(max(1, int(width * scale)), texture.pixels.shape[1])
    down = min(max(1, int(height * scale)), texture.pixels.shape[0])
    left = int(rng.integers(texture.pixels.shape[1] - across + 1))
    top = int(rng.integers(texture.pixels.shape[0] - down + 1))
    part = texture.pixels[top : top + down, left : left + across]
    how = cv2.INTER_AREA if scale >= 1 else cv2.INTER_LINEAR
    part = np.asarray(cv2.resize(part, size, interpolation=how), np.uint8)
    return np.ascontiguousarray(part[:, ::-1] if rng.random() < 0.5 else part)


def pose(rng: np.random.Generator, cutout: Cutout, longest: int) -> Image:
    """Mirrors, tilts by up to 20°, relights and scales a cut-out.

    Args:
        rng: Source of chance.
        cutout: The object.
        longest: Longer side of the result's box, pixels.

    Returns:
        ``(H, W, 4)`` BGRA, colours multiplied by alpha, trimmed.
    """
    pixels = cutout.pixels
    if rng.random() < 0.5:
        pixels = pixels[:, ::-1]
    angle = float(rng.uniform(-20, 20))
    height, width = pixels.shape[:2]
    side = int(np.hypot(height, width)) + 2
    turn = np.asarray(cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0), np.float64)
    turn[:, 2] += (side - width) / 2, (side - height) / 2
    turned = cv2.warpAffine(np.ascontiguousarray(pixels), turn, (side, side))
    pixels = trim(np.asarray(turned, np.uint8))
    scale = longest / max(pixels.shape[:2])
    size = tuple(max(1, round(n * scale)) for n in (pixels.shape[1], pixels.shape[0]))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    pixels = np.asarray(cv2.resize(pixels, size, interpolation=how), np.uint8)
    gain = rng.uniform(0.75, 1.2) * rng.uniform(0.94, 1.06, 3)
    colours = np.minimum(pixels[..., :3] * gain, pixels[..., 3:])  # stay below alpha
    return np.dstack([colours.astype(np.uint8), pixels[..., 3]])


def paste(canvas: Image, pixels: Image, left: int, top: int) -> npt.NDArray[np.bool_]:
    """Lays an object on a picture, in place; it may stick out.

    Args:
        canvas: ``(H, W, 3)`` uint8.
        pixels: BGRA, colours multiplied by alpha.
        left: Column of the object's first column; may be negative.
        top: Row of the object's first row; may be negative.

    Returns:
        ``(H, W)`` bool: where the object covers at least half of a pixel.
    """
    height, width = canvas.shape[:2]
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + pixels.shape[1], width), min(top + pixels.shape[0], height)
    mask = np.zeros((height, width), np.bool_)
    part = pixels[y0 - top : y1 - top, x0 - left : x1 - left]
    mask[y0:y1, x0:x1] = part[..., 3] >= _OPAQUE
    behind = canvas[y0:y1, x0:x1].astype(np.uint16) * (255 - part[..., 3:].astype(np.uint16))
    canvas[y0:y1, x0:x1] = np.minimum(part[..., :3] + (behind + 127) // 255, 255)
    return mask


def relight(rng: np.random.Generator, picture: Image) -> Image:
    """Changes brightness and contrast of a whole picture."""
    gain = rng.uniform(1 - _SHADE, 1 + _SHADE)
    bias = rng.uniform(-20, 20)
    return np.asarray(cv2.convertScaleAbs(_lift(picture, bias, gain)), np.uint8)


def _lift(picture: Image, bias: float, gain: float) -> npt.NDArray[np.float32]:
    values = (picture.astype(np.float32) - 127.5) * np.float32(gain) + np.float32(127.5 + bias)
    return np.clip(values, 0, 255).astype(np.float32)


def portrait(rng: np.random.Generator, cutout: Cutout, texture: Texture, side: int) -> Image:
    """Makes a picture of one object that fills 55 to 95 % of the frame.

    Returns:
        ``(side, side, 3)`` uint8 BGR.
    """
    canvas = window(rng, texture, (side, side))
    pixels = pose(rng, cutout, round(side * rng.uniform(0.55, 0.95)))
    left = int(rng.integers(side - pixels.shape[1] + 1))
    top = int(rng.integers(side - pixels.shape[0] + 1))
    paste(canvas, pixels, left, top)
    return relight(rng, canvas)


def scatter(
    rng: np.random.Generator, canvas: Image, chosen: list[tuple[int, Cutout]]
) -> list[Thing]:
    """Lays objects on a scene, in place; later ones may hide part of earlier ones.

    An object of 25 to 60 % of the side that finds no place where enough of
    every object stays in sight is left out of the picture, so that nothing in
    a scene is without a label.

    Args:
        rng: Source of chance.
        canvas: ``(side, side, 3)`` uint8.
        chosen: Label and cut-out of each object, from back to front.

    Returns:
        The objects in sight; their masks do not overlap.
    """
    side = canvas.shape[0]
    things: list[Thing] = []
    full: list[int] = []
    for label, cutout in chosen:
        for _ in range(8):
            pixels = pose(rng, cutout, round(side * rng.uniform(0.25, 0.6)))
            height, width = pixels.shape[:2]
            slack_x, slack_y = int(0.15 * width), int(0.15 * height)
            left = int(rng.integers(-slack_x, side - width + slack_x + 1))
            top = int(rng.integers(-slack_y, side - height + slack_y + 1))
            trial = canvas.copy()
            mask = paste(trial, pixels, left, top)
            area = int((pixels[..., 3] >= _OPAQUE).sum())
            rest = [thing.mask & ~mask for thing in things]
            seen = [int(part.sum()) for part in [*rest, mask]]
            wanted = [max(_MIN_PIXELS, _MIN_VISIBLE * a) for a in [*full, area]]
            if all(s >= w for s, w in zip(seen, wanted, strict=True)):
                canvas[:] = trial
                full.append(area)
                things = [
                    Thing(thing.label, thing.name, part)
                    for thing, part in zip(things, rest, strict=True)
                ]
                things.append(Thing(label, cutout.name, mask))
                break
    return things


def ground(
    rng: np.random.Generator, stuff: dict[str, list[Texture]], side: int
) -> tuple[Image, npt.NDArray[np.uint8], list[str]]:
    """Makes a background of one, two or three regions of known background class.

    Args:
        rng: Source of chance.
        stuff: Pictures of each background class; the first class is laid on top
            (in photographs the sky).
        side: Of the scene, pixels.

    Returns:
        ``(side, side, 3)`` picture, ``(side, side)`` class of each pixel from 0,
        names of the pictures.
    """
    names = list(stuff)
    count = int(rng.choice([1, 2, 3], p=[0.15, 0.6, 0.25]))
    picked = [int(k) for k in rng.permutation(len(names))[:count]]
    if 0 in picked:  # what is called sky belongs on top
        picked.remove(0)
        picked.insert(0, 0)
    canvas = np.zeros((side, side, 3), np.uint8)
    labels = np.zeros((side, side), np.uint8)
    used: list[str] = []
    # Borders run aslant through the scene; each region fills all below its own.
    slope = rng.uniform(-0.3, 0.3, count)
    height = np.sort(rng.uniform(0.2, 0.8, count)) * side
    columns = np.arange(side) - side / 2
    for k, index in enumerate(picked):
        options = stuff[names[index]]
        texture = options[int(rng.integers(len(options)))]
        used.append(texture.name)
        edge = height[k] + slope[k] * columns if k else np.full(side, -1.0)
        below = np.arange(side)[:, None] >= edge[None, :]
        if not below.any():
            continue
        first = int(np.flatnonzero(below.any(1))[0])
        # The window has the region's own shape, for flat strips of sky.
        part = window(rng, texture, (side, side - first))
        area = below[first:]
        canvas[first:][area] = part[area]
        labels[below] = index
    return canvas, labels, used


def segmentation_of(mask: npt.NDArray[np.bool_]) -> Any:
    """Writes a mask the COCO way.

    Returns:
        Polygons along the pixels' edges; for an object with a hole, which
        polygons cannot express, uncompressed RLE.
    """
    factor = 4  # contours run through pixel centres: on a finer grid the edge is exact
    fine = np.asarray(np.kron(mask.astype(np.uint8), np.ones((factor, factor))), np.uint8)
    contours, _ = cv2.findContours(fine, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    polygons = [
        (np.round((c[:, 0, :].astype(np.float64) + 0.5) / factor * 8) / 8).reshape(-1).tolist()
        for c in contours
        if len(c) >= 3
    ]
    filled = np.zeros_like(fine)
    cv2.drawContours(filled, contours, -1, 1, cv2.FILLED)
    if polygons and np.array_equal(filled[::factor, ::factor].astype(bool), mask):
        return polygons
    return run_lengths(mask)


def run_lengths(mask: npt.NDArray[np.bool_]) -> dict[str, list[int]]:
    """Returns COCO's uncompressed RLE: runs down the columns, the first one of zeros."""
    flat = np.concatenate([[False], mask.T.reshape(-1), [False]])
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    ends = np.concatenate([[0], edges, [mask.size]])
    counts = np.diff(ends).tolist()
    if counts[-1] == 0:
        counts.pop()
    return {"counts": counts, "size": list(mask.shape)}
