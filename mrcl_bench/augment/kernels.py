"""The pixels' work, compiled: antialiased resampling, and colours on planes of float32.

Planes lie transposed, (3, width, height): both passes of the resampling then run along
contiguous rows, and colours and a round blur do not care. Values are 0 … 255.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np

f4 = np.float32
Crop = tuple[int, int, int, int]
"""Top, left, height and width in pixels."""
_FRACTIONS = 64
"""Parts of a level that are kept between the halves of a resampling; bicubic weights overshoot."""
_compiled = nb.njit(fastmath=True, nogil=True, cache=True, error_model="numpy")


@_compiled
def _weights(length: int, out: int, cubic: bool, mirrored: bool) -> Any:
    """Returns the taps of one axis: where each output pixel reads, and with which weights.

    Source of the method: Pillow's ``precompute_coeffs`` (src/libImaging/Resample.c): the filter is
    widened by the scale where a picture gets smaller, and cut at its borders.
    """
    scale = length / out
    wide = max(scale, 1.0)
    support = (2.0 if cubic else 1.0) * wide
    # Behind the last tap, as many without weight as fill a block of four.
    first, weights = np.empty(out, np.int64), np.zeros((out, int(2 * support) + 6), f4)
    for x in range(out):
        centre = (x + 0.5) * scale
        low = max(int(centre - support + 0.5), 0)
        high = min(int(centre + support + 0.5), length)
        row = out - 1 - x if mirrored else x
        first[row] = low
        total = 0.0
        for n in range(high - low):
            t = abs((low + n + 0.5 - centre) / wide)
            value = 0.0
            if not cubic:
                value = max(0.0, 1.0 - t)
            elif t < 1.0:
                value = (1.5 * t - 2.5) * t * t + 1.0
            elif t < 2.0:
                value = (((t - 5.0) * t + 8.0) * t - 4.0) * -0.5
            weights[row, n] = value
            total += value
        for n in range(high - low):
            weights[row, n] = weights[row, n] / total
    return first, weights


@_compiled
def _used(weights: Any) -> Any:
    """Taps of a pixel up to the last that weighs anything."""
    count = weights.size
    while count > 1 and weights[count - 1] == f4(0):
        count -= 1
    return count


@_compiled
def _blend(first: Any, second: Any, third: Any, fourth: Any, weights: Any, target: Any) -> None:
    """Adds four weighted rows to one: a pass instead of four."""
    w0, w1, w2, w3 = weights[0], weights[1], weights[2], weights[3]
    for x in range(target.size):
        low = w0 * f4(first[x]) + w1 * f4(second[x])
        target[x] += low + (w2 * f4(third[x]) + w3 * f4(fourth[x]))


@_compiled
def _pair(first: Any, second: Any, weights: Any, target: Any) -> None:
    """Writes the sum of two weighted rows, and a half that rounds what is cut off later."""
    w0, w1 = weights[0], weights[1]
    for x in range(target.size):
        target[x] = w0 * f4(first[x]) + w1 * f4(second[x]) + f4(0.5)


@_compiled
def resample_rows(image: Any, crop: Crop, cubic: bool, lines: Any) -> None:
    """First half of a resampling, antialiased as Pillow does it: along columns.

    Args:
        image: (H, 3 W) uint8, pixels interleaved, contiguous.
        crop: Top, left, height and width in pixels.
        cubic: Bicubic (Keys' with a = -0.5), else bilinear.
        lines: (out, 3 width) int16, written: in 64ths of a level, half the memory of float32 to
            turn round.
    """
    top, left, height, width = crop
    out, last = lines.shape[0], top + height - 1
    first, weights = _weights(height, out, cubic, False)
    weights *= f4(_FRACTIONS)
    start, stop = 3 * left, 3 * (left + width)
    total = np.empty(3 * width, f4)
    for y in range(out):
        row = top + first[y]
        _pair(image[row, start:stop], image[min(row + 1, last), start:stop], weights[y], total)
        for n in range(2, _used(weights[y]), 4):
            _blend(
                image[min(row + n, last), start:stop],
                image[min(row + n + 1, last), start:stop],
                image[min(row + n + 2, last), start:stop],
                image[min(row + n + 3, last), start:stop],
                weights[y, n:],
                total,
            )
        line = lines[y]
        for x in range(total.size):
            line[x] = np.int16(np.floor(total[x]))


@_compiled
def resample_columns(turned: Any, cubic: bool, mirrored: bool, planes: Any) -> None:
    """Second half: along rows, of the first half turned round.

    Args:
        turned: (3 width, out) int16: the lines of `resample_rows`, transposed.
        cubic: As there.
        mirrored: Whether left and right change places.
        planes: (3, out, out) float32, written: channel, column, row; whole numbers in 0 … 255.
    """
    width, out = turned.shape[0] // 3, planes.shape[1]
    first, weights = _weights(width, out, cubic, mirrored)
    weights *= f4(1 / _FRACTIONS)
    total = np.empty(out, f4)
    for x in range(out):
        used = _used(weights[x])
        for c in range(3):
            row, last = 3 * first[x] + c, 3 * (width - 1) + c
            _pair(turned[row], turned[min(row + 3, last)], weights[x], total)
            for n in range(2, used, 4):
                _blend(
                    turned[min(row + 3 * n, last)],
                    turned[min(row + 3 * n + 3, last)],
                    turned[min(row + 3 * n + 6, last)],
                    turned[min(row + 3 * n + 9, last)],
                    weights[x, n:],
                    total,
                )
            target = planes[c, x]
            for y in range(out):  # as 8-bit pixels would be, which bicubic weights overshoot
                target[y] = min(max(np.floor(total[y]), f4(0)), f4(255))


@_compiled
def blur(planes: Any, sigma: float) -> None:
    """Gaussian blur of square planes (3, side, side) in place; borders are mirrored.

    Args:
        planes: float32.
        sigma: Standard deviation in pixels; taps reach three of them.
    """
    side = planes.shape[1]
    reach = max(int(np.ceil(3 * sigma)), 1)
    taps = np.empty(reach + 1, f4)
    for n in range(reach + 1):
        taps[n] = np.exp(-0.5 * (n / sigma) ** 2)
    taps /= taps[0] + f4(2) * taps[1:].sum()
    padded = np.empty(side + 2 * reach, f4)
    middle = np.empty((side, side), f4)
    for c in range(3):
        plane = planes[c]
        for y in range(side):
            row = plane[y]
            padded[reach : reach + side] = row
            for n in range(1, reach + 1):
                padded[reach - n] = row[n]
                padded[reach + side - 1 + n] = row[side - 1 - n]
            target = middle[y]
            for x in range(side):
                target[x] = taps[0] * row[x]
            for n in range(1, reach + 1):
                # slices, since a computed index might be negative for all the compiler knows
                weight, before, after = taps[n], padded[reach - n :], padded[reach + n :]
                for x in range(side):
                    target[x] += weight * (before[x] + after[x])
        for y in range(side):
            target, source = plane[y], middle[y]
            for x in range(side):
                target[x] = taps[0] * source[x]
            for n in range(1, reach + 1):
                weight = taps[n]
                above = middle[abs(y - n)]
                below = middle[y + n if y + n < side else 2 * (side - 1) - y - n]
                for x in range(side):
                    target[x] += weight * (above[x] + below[x])


@_compiled
def scale(planes: Any, factor: Any) -> None:
    """Brightness: blends with black, (3, N) in place."""
    for c in range(3):
        plane = planes[c]
        for i in range(plane.size):
            plane[i] = min(max(plane[i] * factor, f4(0)), f4(255))


@_compiled
def contrast(planes: Any, factor: Any, weights: Any) -> None:
    """Contrast: blends with the mean grey, rounded as Pillow rounds it; (3, N) in place."""
    first, second, third = planes[0], planes[1], planes[2]
    total = f4(0)
    for i in range(first.size):
        total += weights[0] * first[i] + weights[1] * second[i] + weights[2] * third[i]
    rest = (f4(1) - factor) * np.floor(total / f4(first.size) + f4(0.5))
    for c in range(3):
        plane = planes[c]
        for i in range(plane.size):
            plane[i] = min(max(plane[i] * factor + rest, f4(0)), f4(255))


@_compiled
def saturate(planes: Any, factor: Any, weights: Any) -> None:
    """Saturation: blends each pixel with its grey; factor 0 makes it grey. (3, N) in place."""
    first, second, third = planes[0], planes[1], planes[2]
    rest = f4(1) - factor
    for i in range(first.size):
        grey = rest * (weights[0] * first[i] + weights[1] * second[i] + weights[2] * third[i])
        first[i] = min(max(first[i] * factor + grey, f4(0)), f4(255))
        second[i] = min(max(second[i] * factor + grey, f4(0)), f4(255))
        third[i] = min(max(third[i] * factor + grey, f4(0)), f4(255))


@_compiled
def turn(red: Any, green: Any, blue: Any, shift: Any) -> None:
    """Hue: turns each pixel by ``shift`` of the circle in HSV, (N,) planes in place.

    Source: the closed form f(n) = v - d max(0, min(k, 4 - k, 1)), k = (n + 6 h) mod 6, with
    n = 5, 3, 1 for red, green, blue, of HSV to RGB.
    """
    zero, one, four, six = f4(0), f4(1), f4(4), f4(6)
    sixth = f4(1) / six
    sixths = shift * six
    for i in range(red.size):
        r, g, b = red[i], green[i], blue[i]
        value = max(r, max(g, b))
        span = value - min(r, min(g, b))
        inverse = one / max(span, f4(1e-6))
        h = (r - g) * inverse + four
        h = (b - r) * inverse + f4(2) if value == g else h
        h = (g - b) * inverse if value == r else h
        h += sixths
        k = h + f4(5)
        k -= six * np.floor(k * sixth)
        red[i] = value - span * max(zero, min(k, min(four - k, one)))
        k = h + f4(3)
        k -= six * np.floor(k * sixth)
        green[i] = value - span * max(zero, min(k, min(four - k, one)))
        k = h + one
        k -= six * np.floor(k * sixth)
        blue[i] = value - span * max(zero, min(k, min(four - k, one)))


@_compiled
def to_bytes(planes: Any, threshold: int, out: Any) -> None:
    """Rounds planes to bytes.

    Args:
        planes: (3, N) float32.
        threshold: Pixels of so much and more are inverted (solarised); 256 for none.
        out: (3, N) uint8, written.
    """
    limit = f4(threshold) - f4(0.5)
    for c in range(3):
        plane, target = planes[c], out[c]
        for i in range(plane.size):
            value = plane[i] if plane[i] < limit else f4(255) - np.floor(plane[i] + f4(0.5))
            target[i] = np.uint8(value + f4(0.5))
