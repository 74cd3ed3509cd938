"""Random parameters of a view, with the distributions of mmpretrain's transforms."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ATTEMPTS = 10
"""Crops tried before the largest central one of a permitted aspect is taken."""
GREY = (0.114, 0.587, 0.299)
"""Luma of blue, green and red, ITU-R BT.601, as Pillow's."""
BRIGHTNESS, CONTRAST, SATURATION, HUE = range(4)
"""Steps of a jitter, which come in random order."""
_NO_STEP = -1
_NO_SOLARISING = 256


@dataclass(frozen=True)
class View:
    """How a view is drawn.

    Attributes:
        crop: Least and largest share of the picture's area.
        aspect: Least and largest width by height of the crop, log-uniform.
        flip: Probability of mirroring left and right.
        jitter: Probability of changing colours at all.
        brightness: Factor within 1 ± this; likewise ``contrast`` and ``saturation``.
        hue: Turn within ± this, of the whole circle.
        grey: Probability of losing all colour.
        blur: Probability of a Gaussian blur.
        sigma: Its least and largest standard deviation, pixels.
        solarise: Probability of inverting bright pixels.
        threshold: Least brightness that is inverted, 0 … 255.
    """

    crop: tuple[float, float] = (0.08, 1.0)
    aspect: tuple[float, float] = (3 / 4, 4 / 3)
    flip: float = 0.5
    jitter: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    grey: float = 0.0
    blur: float = 0.0
    sigma: tuple[float, float] = (0.1, 2.0)
    solarise: float = 0.0
    threshold: int = 128


@dataclass(frozen=True)
class Colours:
    """What is drawn of a view's colours.

    Attributes:
        steps: Steps of the jitter in their order, each with its factor; hue's is a turn.
        grey: Whether all colour is lost.
        sigma: Standard deviation of the blur, pixels; 0 for none.
        threshold: Pixels of so much and more are inverted; 256 for none.
    """

    steps: tuple[tuple[int, float], ...] = ()
    grey: bool = False
    sigma: float = 0.0
    threshold: int = _NO_SOLARISING

    LENGTH = 11

    def packed(self) -> NDArray[np.float32]:
        """As (`LENGTH`,) float32: four steps, their four factors, grey, sigma, threshold."""
        absent = [(_NO_STEP, 0.0)] * (4 - len(self.steps))
        steps, factors = zip(*self.steps, *absent, strict=True)
        return np.array([*steps, *factors, self.grey, self.sigma, self.threshold], np.float32)


def crop(view: View, height: int, width: int) -> tuple[int, int, int, int]:
    """Draws a crop: top, left, height, width in whole pixels.

    Source: ``RandomResizedCrop`` of mmpretrain (torchvision's is the same).
    """
    low, high = math.log(view.aspect[0]), math.log(view.aspect[1])
    for _ in range(ATTEMPTS):
        area = height * width * np.random.uniform(*view.crop)
        aspect = math.exp(np.random.uniform(low, high))
        w, h = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < w <= width and 0 < h <= height:
            top = np.random.randint(0, height - h + 1)
            return top, np.random.randint(0, width - w + 1), h, w
    ratio = width / height
    if ratio < view.aspect[0]:
        w, h = width, min(round(width / view.aspect[0]), height)
    elif ratio > view.aspect[1]:
        w, h = min(round(height * view.aspect[1]), width), height
    else:
        w, h = width, height
    return (height - h) // 2, (width - w) // 2, h, w


def factor(spread: float) -> float:
    """Draws a factor of brightness, contrast or saturation."""
    return float(np.random.uniform(max(0.0, 1.0 - spread), 1.0 + spread))


def happens(probability: float) -> bool:
    """Whether something of a probability happens; draws only where that is open."""
    return probability >= 1 or (probability > 0 and np.random.random() < probability)


def colours(view: View) -> Colours:
    """Draws a view's colours."""
    steps = _jitter(view) if happens(view.jitter) else ()
    grey = happens(view.grey)
    sigma = float(np.random.uniform(*view.sigma)) if happens(view.blur) else 0.0
    return Colours(steps, grey, sigma, view.threshold if happens(view.solarise) else _NO_SOLARISING)


def _jitter(view: View) -> tuple[tuple[int, float], ...]:
    spreads = {BRIGHTNESS: view.brightness, CONTRAST: view.contrast, SATURATION: view.saturation}
    steps = []
    for step in map(int, np.random.permutation(4)):
        if step == HUE and view.hue:
            steps.append((step, float(np.random.uniform(-view.hue, view.hue))))
        elif spreads.get(step):
            steps.append((step, factor(spreads[step])))
    return tuple(steps)
