"""Drawn shapes that take the photographs' place where no Debian package can be had.

They keep every layout and every test alive, but measure nothing about
photographs: sets made of them carry another id, and tables say so.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from mrcl_bench.data.source import (
    Backgrounds,
    Cutout,
    Image,
    Source,
    Texture,
    prepare_cutout,
    split_novel,
)

_SIDE = 128
_VARIANTS = 12
_TEXTURES = 6
Points = npt.NDArray[np.float64]
"""``(N, 2)`` x, y in the square from -1 to 1."""


def _around(count: int, radius: Callable[[int], float], turn: float = 0.0) -> Points:
    angles = np.arange(count) * 2 * np.pi / count - np.pi / 2 + turn
    radii = np.array([radius(k) for k in range(count)])
    return np.stack([radii * np.cos(angles), radii * np.sin(angles)], 1)


def _heart(rng: np.random.Generator) -> Points:
    t = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return np.stack([16 * np.sin(t) ** 3, -y], 1) / 17


def _crescent(rng: np.random.Generator) -> Points:
    depth = rng.uniform(0.3, 0.7)
    t = np.linspace(-np.pi / 2, np.pi / 2, 40)
    outer = np.stack([-np.cos(t), np.sin(t)], 1)
    return np.concatenate([outer, outer[::-1] * [1 - depth, 1]])


def _arrow(rng: np.random.Generator) -> Points:
    neck, shaft = rng.uniform(-0.1, 0.3), rng.uniform(0.2, 0.4)
    half = np.array([[-1, shaft], [neck, shaft], [neck, 0.85], [1, 0]])
    return np.concatenate([half, half[-2::-1] * [1, -1]])


def _cross(rng: np.random.Generator) -> Points:
    w = rng.uniform(0.2, 0.4)
    corner = np.array([[w, -1], [w, -w], [1, -w]])
    turn = np.array([[0, 1], [-1, 0]])
    return np.concatenate([corner @ np.linalg.matrix_power(turn, k) for k in range(4)])


def _bolt(rng: np.random.Generator) -> Points:
    k = rng.uniform(0.1, 0.3)
    half = np.array([[k + 0.3, -1], [-0.7, 0.15], [-0.1, 0.15]])
    return np.concatenate([half, -half])


def _drop(rng: np.random.Generator) -> Points:
    t = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    return np.stack([0.75 * np.sin(t) * np.sin(t / 2) ** rng.uniform(1, 2), -np.cos(t)], 1)


_OUTLINES: dict[str, Callable[[np.random.Generator], Points]] = {
    "arrow": _arrow,
    "bolt": _bolt,
    "crescent": _crescent,
    "cross": _cross,
    "disc": lambda rng: _around(48, lambda k: 1.0) * [1, rng.uniform(0.7, 1)],
    "drop": _drop,
    "flower": lambda rng: _around(80, lambda k: 0.75 + 0.25 * np.cos(k * 2 * np.pi / 16)),
    "gear": lambda rng: _around(32, lambda k: 1.0 if k % 4 < 2 else 0.72),
    "heart": _heart,
    "ring": lambda rng: _around(48, lambda k: 1.0),
    "star": lambda rng: _around(10, lambda k: 1.0 if k % 2 == 0 else 0.45),
    "triangle": lambda rng: _around(3, lambda k: 1.0) * [rng.uniform(0.7, 1), 1],
}

STUFF = ("clouds", "checks", "stripes", "dots")


def load_shapes() -> Source:
    """Draws twelve kinds of shapes and backgrounds; always the same ones."""
    known, novel = {}, {}
    for number, (kind, outline) in enumerate(_OUTLINES.items()):
        rng = np.random.default_rng([1, number])
        drawn = [
            _draw(rng, f"shapes/{kind}-{k:02d}", outline(rng), kind == "ring")
            for k in range(_VARIANTS)
        ]
        known[kind], novel[kind] = split_novel(drawn, 0.25)
    backgrounds = {}
    for number, split in enumerate(("train", "val")):
        rng = np.random.default_rng([2, number])
        stuff = {
            name: [Texture(f"{split}-{name}-{k}", _texture(rng, name)) for k in range(_TEXTURES)]
            for name in STUFF
        }
        scenes = [Texture(f"{split}-noise-{k}", _texture(rng, "clouds")) for k in range(_TEXTURES)]
        backgrounds[split] = Backgrounds(scenes, stuff)
    return Source(known, novel, backgrounds, True, [], "Drawn by mrcl-bench; no photographs.")


def _draw(rng: np.random.Generator, name: str, outline: Points, hollow: bool) -> Cutout:
    """Fills an outline with two shades of one colour."""
    factor = 4  # drawn large and shrunk: smooth edges
    side = _SIDE * factor
    alpha: Image = np.zeros((side, side), np.uint8)
    points = ((outline * 0.48 + 0.5) * side).astype(np.int32)
    cv2.fillPoly(alpha, [points], 255)
    if hollow:
        cv2.circle(alpha, (side // 2, side // 2), int(side * rng.uniform(0.2, 0.36)), 0, -1)
    alpha = np.asarray(cv2.resize(alpha, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), np.uint8)
    colour = rng.uniform(40, 255, 3)
    first, last = (float(v) for v in rng.uniform(0.55, 1.0, 2))
    shade = np.linspace(first, last, _SIDE)[:, None, None]
    grain = rng.normal(1, 0.06, (_SIDE, _SIDE, 1))
    pixels = np.clip(colour * shade * grain, 0, 255).astype(np.uint8)
    return prepare_cutout(name, np.dstack([pixels, alpha]))


def _texture(rng: np.random.Generator, name: str) -> Image:
    """Draws one background of 320 px."""
    side = 320
    rows, columns = np.mgrid[0:side, 0:side].astype(np.float64)
    period = rng.uniform(14, 40)
    if name == "checks":
        value = ((rows // period + columns // period) % 2) * 0.8
    elif name == "stripes":
        angle = rng.uniform(0, np.pi)
        value = np.sin((rows * np.cos(angle) + columns * np.sin(angle)) * 6.28 / period)
    elif name == "dots":
        value = np.hypot(rows % period - period / 2, columns % period - period / 2) / period
    else:
        coarse = rng.normal(0, 1, (6, 6)).astype(np.float32)
        fine = rng.normal(0, 0.4, (24, 24)).astype(np.float32)
        value = sum(
            cv2.resize(part, (side, side), interpolation=cv2.INTER_CUBIC).astype(np.float64)
            for part in (coarse, fine)
        )
    value = (value - value.min()) / np.ptp(value)
    first, second = rng.uniform(20, 235, (2, 3))
    pixels = first + value[..., None] * (second - first) + rng.normal(0, 5, (side, side, 3))
    return np.asarray(np.clip(pixels, 0, 255), np.uint8)
