"""Colours and blur of a batch of views on the device that trains, by torch.

The arithmetic is that of `mrcl_bench.augment.kernels`, which does it on the CPU view by view.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import pad

from . import draws
from .draws import Colours


@torch.no_grad()
def colour(views: Tensor, drawn: Tensor) -> Tensor:
    """Does what was drawn for each view.

    Args:
        views: (N, 3, S, S) uint8 in BGR, on any device.
        drawn: (N, `Colours.LENGTH`) float32, rows as of `Colours.packed`. On the CPU: from there
            it is known which views a step is for, without waiting for the device.

    Returns:
        Views of the same kind; 8 bits are rounded to once.

    Raises:
        ValueError: The shapes do not belong together.
    """
    if drawn.shape != (len(views), Colours.LENGTH):
        raise ValueError(f"{len(views)} views, and drawn is of shape {tuple(drawn.shape)}")
    device = views.device
    steps, factors = drawn[:, :4], drawn[:, 4:8]
    grey, sigma, threshold = drawn[:, 8:].unbind(1)
    with torch.autocast(device.type, enabled=False):
        pixels = views.float()
        for place in range(4):
            for step, change in _STEPS.items():
                here = torch.nonzero(steps[:, place] == step).flatten()
                _change(pixels, here, change, factors[here, place])
        here = torch.nonzero(grey).flatten()
        _change(pixels, here, saturate, torch.zeros(len(here)))
        here = torch.nonzero(sigma).flatten()
        if len(here):
            there = here.to(device, non_blocking=True)
            pixels[there] = blur(pixels[there], sigma[here])
        limit = threshold.to(device, non_blocking=True)[:, None, None, None] - 0.5
        rounded = torch.floor(pixels + 0.5)
        return torch.where(pixels < limit, rounded, 255 - rounded).to(torch.uint8)


def brightness(pixels: Tensor, factor: Tensor) -> Tensor:
    """Blends with black. All of these take (M, 3, S, S) in 0 … 255 and a factor (M, 1, 1, 1)."""
    return (pixels * factor).clamp_(0, 255)


def contrast(pixels: Tensor, factor: Tensor) -> Tensor:
    """Blends with the mean grey of each, rounded as Pillow rounds it."""
    mean = torch.floor(_grey(pixels).mean((2, 3), keepdim=True) + 0.5)
    return (pixels * factor + (1 - factor) * mean).clamp_(0, 255)


def saturate(pixels: Tensor, factor: Tensor) -> Tensor:
    """Blends each pixel with its grey."""
    return (pixels * factor + (1 - factor) * _grey(pixels)).clamp_(0, 255)


def turn(pixels: Tensor, shift: Tensor) -> Tensor:
    """Turns each pixel's hue by ``shift`` of the circle; see `mrcl_bench.augment.kernels.turn`."""
    b, g, r = pixels.unbind(1)
    value = pixels.amax(1)
    span = value - pixels.amin(1)
    inverse = 1 / span.clamp_min(1e-6)
    h = torch.where(value == g, (b - r) * inverse + 2, (r - g) * inverse + 4)
    h = torch.where(value == r, (g - b) * inverse, h) + 6 * shift[:, 0]
    turned = []
    for n in (1, 3, 5):  # blue, green, red
        k = (h + n) % 6
        turned.append(value - span * torch.minimum(k, 4 - k).clamp_(0, 1))
    return torch.stack(turned, 1)


def blur(pixels: Tensor, sigma: Tensor) -> Tensor:
    """Gaussian blur, borders mirrored; taps reach three standard deviations of each view.

    Args:
        pixels: (M, 3, S, S) float32.
        sigma: (M,), on the CPU, pixels.
    """
    reach = torch.ceil(3 * sigma).clamp_min(1)
    widest = int(reach.max())
    places = torch.arange(widest + 1)
    taps = torch.exp(-0.5 * (places / sigma[:, None]) ** 2) * (places <= reach[:, None])
    taps = taps / (taps[:, :1] + 2 * taps[:, 1:].sum(1, keepdim=True))
    weights = taps.to(pixels.device, non_blocking=True)[..., None, None, None]
    for axis in (2, 3):
        side = pixels.shape[axis]
        sides = (0, 0, widest, widest) if axis == 2 else (widest, widest, 0, 0)
        padded = pad(pixels, sides, mode="reflect")
        blurred = weights[:, 0] * pixels
        for n in range(1, widest + 1):
            before = padded.narrow(axis, widest - n, side)
            blurred += weights[:, n] * (before + padded.narrow(axis, widest + n, side))
        pixels = blurred
    return pixels


_STEPS = {
    draws.BRIGHTNESS: brightness,
    draws.CONTRAST: contrast,
    draws.SATURATION: saturate,
    draws.HUE: turn,
}


def _change(
    pixels: Tensor, here: Tensor, change: Callable[[Tensor, Tensor], Tensor], factors: Tensor
) -> None:
    """Changes some views of a batch in place; ``here`` and ``factors`` are on the CPU."""
    if len(here):
        there = here.to(pixels.device, non_blocking=True)
        amount = factors.to(pixels.device, non_blocking=True)[:, None, None, None]
        pixels[there] = change(pixels[there], amount)


def _grey(pixels: Tensor) -> Tensor:
    blue, green, red = (w * plane for w, plane in zip(draws.GREY, pixels.unbind(1), strict=True))
    return (blue + green + red)[:, None]
