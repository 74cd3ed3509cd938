"""RoIAlign's sums over a map whose channels lie together, compiled.

The same numbers as those of mmcv's CPU kernels (mmcv/ops/csrc/pytorch/cpu/roi_align.cpp), to the
bit: every value is summed in the same order in float32. There the backward pass works out the
weights of a sample anew for every channel, and channels lie far apart; here one row of channels
is weighted at a time, which the processor does many numbers at once.
"""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np

_compiled = nb.njit(nogil=True, cache=True)
_f4 = np.float32


@_compiled
def _grid(roi: Any, height: int, width: int, scale: Any, ratio: int, aligned: bool) -> Any:
    """Returns the start of a RoI on the map, the size of its bins and its samples in a bin.

    Args:
        roi: Picture, x1, y1, x2, y2; pixels.
        height: Bins of a column.
        width: Bins of a row.
        scale: Of the map to the picture.
        ratio: Samples along a side of a bin; 0: as many as it has cells of the map.
        aligned: Whether half a cell is taken off.
    """
    offset = _f4(0.5) if aligned else _f4(0.0)
    left, top = roi[1] * scale - offset, roi[2] * scale - offset
    wide, high = roi[3] * scale - offset - left, roi[4] * scale - offset - top
    if not aligned:
        wide, high = max(wide, _f4(1.0)), max(high, _f4(1.0))
    bin_high, bin_wide = high / _f4(height), wide / _f4(width)
    rows = ratio if ratio > 0 else int(np.ceil(bin_high))
    columns = ratio if ratio > 0 else int(np.ceil(bin_wide))
    return top, left, bin_high, bin_wide, rows, columns


@_compiled
def _neighbours(at: Any, size: int) -> Any:
    """Returns the two cells next to a sample on one axis, and the weight of the second."""
    at = max(at, _f4(0.0))
    low = int(at)
    if low >= size - 1:
        return size - 1, size - 1, _f4(0.0)
    return low, low + 1, at - _f4(low)


@_compiled
def _outside(at: Any, size: int) -> bool:
    return at < _f4(-1.0) or at > _f4(size)


@_compiled
def pool(cells: Any, rois: Any, scale: Any, ratio: int, aligned: bool, out: Any) -> None:
    """Averages the samples of each bin.

    Args:
        cells: Map (B, H, W, C), float32.
        rois: RoIs (N, 5), see `_grid`.
        scale: Of the map to the picture, float32.
        ratio: See `_grid`.
        aligned: See `_grid`.
        out: Zeros (N, height, width, C); filled in place.
    """
    _, tall, across, channels = cells.shape
    number, height, width, _ = out.shape
    for one in range(number):
        image = cells[int(rois[one, 0])]
        top, left, high, wide, rows, columns = _grid(
            rois[one], height, width, scale, ratio, aligned
        )
        count = _f4(max(rows * columns, 1))
        for row in range(height):
            for column in range(width):
                found = out[one, row, column]
                for i in range(rows):
                    y = top + _f4(row) * high + (_f4(i) + _f4(0.5)) * high / _f4(rows)
                    if _outside(y, tall):
                        continue
                    y0, y1, ly = _neighbours(y, tall)
                    hy = _f4(1.0) - ly
                    for j in range(columns):
                        x = left + _f4(column) * wide + (_f4(j) + _f4(0.5)) * wide / _f4(columns)
                        if _outside(x, across):
                            continue
                        x0, x1, lx = _neighbours(x, across)
                        hx = _f4(1.0) - lx
                        a, b, c, d = hy * hx, hy * lx, ly * hx, ly * lx
                        for k in range(channels):
                            found[k] += (
                                a * image[y0, x0, k]
                                + b * image[y0, x1, k]
                                + c * image[y1, x0, k]
                                + d * image[y1, x1, k]
                            )
                for k in range(channels):
                    found[k] /= count


@_compiled
def spread(bins: Any, rois: Any, scale: Any, ratio: int, aligned: bool, out: Any) -> None:
    """Gives the gradient of bins to the cells that they were averaged from.

    Args:
        bins: Gradient (N, height, width, C), float32.
        rois: RoIs (N, 5), see `_grid`.
        scale: Of the map to the picture, float32.
        ratio: See `_grid`.
        aligned: See `_grid`.
        out: Zeros (B, H, W, C); filled in place.
    """
    _, tall, across, channels = out.shape
    number, height, width, _ = bins.shape
    for one in range(number):
        image = out[int(rois[one, 0])]
        top, left, high, wide, rows, columns = _grid(
            rois[one], height, width, scale, ratio, aligned
        )
        count = _f4(rows * columns)
        for row in range(height):
            for column in range(width):
                given = bins[one, row, column]
                for i in range(rows):
                    y = top + _f4(row) * high + (_f4(i) + _f4(0.5)) * high / _f4(rows)
                    if _outside(y, tall):
                        continue
                    y0, y1, ly = _neighbours(y, tall)
                    hy = _f4(1.0) - ly
                    for j in range(columns):
                        x = left + _f4(column) * wide + (_f4(j) + _f4(0.5)) * wide / _f4(columns)
                        if _outside(x, across):
                            continue
                        x0, x1, lx = _neighbours(x, across)
                        hx = _f4(1.0) - lx
                        _add(image[y0, x0], given, hy * hx, count)
                        _add(image[y0, x1], given, hy * lx, count)
                        _add(image[y1, x0], given, ly * hx, count)
                        _add(image[y1, x1], given, ly * lx, count)


@_compiled
def _add(cell: Any, given: Any, weight: Any, count: Any) -> None:
    for k in range(len(given)):
        cell[k] += given[k] * weight / count
