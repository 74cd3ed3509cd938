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
_OUTSIDE = -1
"""In the place of a sample's cell: it lies off the map and counts as nothing."""


@_compiled
def _axis(start: Any, end: Any, bins: int, size: int, ratio: int, aligned: bool) -> Any:
    """Lays the samples of all bins along one side of a RoI.

    Args:
        start: Where the RoI begins, in cells of the map, float32.
        end: Where it ends.
        bins: Their number.
        size: Cells of the map along this side.
        ratio: Samples in a bin; 0: as many as it has cells.
        aligned: Whether a RoI may be smaller than a cell.

    Returns:
        Of each bin's samples (bins, samples): the cell before it, `_OUTSIDE` off the map; the
        cell behind it; that one's weight.
    """
    length = end - start
    if not aligned:
        length = max(length, _f4(1.0))
    high = length / _f4(bins)
    samples = ratio if ratio > 0 else int(np.ceil(high))
    before = np.empty((bins, samples), np.int64)
    behind, weight = np.zeros_like(before), np.zeros((bins, samples), np.float32)
    for place in range(bins):
        for i in range(samples):
            at = start + _f4(place) * high + (_f4(i) + _f4(0.5)) * high / _f4(samples)
            if not (at >= _f4(-1.0) and at <= _f4(size)):  # also what is no number
                before[place, i] = _OUTSIDE
                continue
            at = max(at, _f4(0.0))
            low = min(int(at), size - 1)
            before[place, i], behind[place, i] = low, min(low + 1, size - 1)
            weight[place, i] = at - _f4(low) if low < size - 1 else _f4(0.0)
    return before, behind, weight


@_compiled
def _axes(roi: Any, bins: Any, cells: Any, scale: Any, ratio: int, aligned: bool) -> Any:
    """Returns `_axis` of a RoI (picture, x1, y1, x2, y2), down and across.

    Args:
        roi: The RoI, in pixels of the picture, float32.
        bins: Array (height, width, C) of its bins.
        cells: Map (H, W, C).
        scale: Of the map to the picture, float32.
        ratio: See `_axis`.
        aligned: Whether half a cell is taken off; see `_axis`.
    """
    offset = _f4(0.5) if aligned else _f4(0.0)
    ends = roi[1:] * scale - offset
    down = _axis(ends[1], ends[3], bins.shape[0], cells.shape[0], ratio, aligned)
    return down, _axis(ends[0], ends[2], bins.shape[1], cells.shape[1], ratio, aligned)


@_compiled
def _shares(y: Any, x: Any) -> Any:
    """Returns the weights of the four cells around a sample, from those of the cells behind it."""
    before_y, before_x = _f4(1.0) - y, _f4(1.0) - x
    return before_y * before_x, before_y * x, y * before_x, y * x


@_compiled
def pool(cells: Any, rois: Any, scale: Any, ratio: int, aligned: bool, out: Any) -> None:
    """Averages the samples of each bin.

    Args:
        cells: Map (B, H, W, C), float32.
        rois: RoIs (N, 5), see `_axes`.
        scale: See `_axes`.
        ratio: See `_axis`.
        aligned: See `_axes`.
        out: Zeros (N, height, width, C); filled in place.
    """
    for one in range(len(rois)):
        image, bins = cells[int(rois[one, 0])], out[one]
        (y0, y1, ly), (x0, x1, lx) = _axes(rois[one], bins, image, scale, ratio, aligned)
        count = _f4(max(y0.shape[1] * x0.shape[1], 1))
        for row in range(len(y0)):
            for column in range(len(x0)):
                found = bins[row, column]
                for i in range(y0.shape[1]):
                    for j in range(x0.shape[1]):
                        if y0[row, i] == _OUTSIDE or x0[column, j] == _OUTSIDE:
                            continue
                        y, x = (y0[row, i], y1[row, i]), (x0[column, j], x1[column, j])
                        _add_weighted(found, image, y, x, ly[row, i], lx[column, j])
                for k in range(len(found)):
                    found[k] /= count


@_compiled
def _add_weighted(to: Any, image: Any, y: Any, x: Any, ly: Any, lx: Any) -> None:
    (y0, y1), (x0, x1) = y, x
    a, b, c, d = _shares(ly, lx)
    for k in range(len(to)):
        upper = a * image[y0, x0, k] + b * image[y0, x1, k]
        to[k] += upper + c * image[y1, x0, k] + d * image[y1, x1, k]


@_compiled
def spread(bins: Any, rois: Any, scale: Any, ratio: int, aligned: bool, out: Any) -> None:
    """Gives the gradient of bins to the cells that they were averaged from.

    Args:
        bins: Gradient (N, height, width, C), float32.
        rois: RoIs (N, 5), see `_axes`.
        scale: See `_axes`.
        ratio: See `_axis`.
        aligned: See `_axes`.
        out: Zeros (B, H, W, C); filled in place.
    """
    for one in range(len(rois)):
        image = out[int(rois[one, 0])]
        (y0, y1, ly), (x0, x1, lx) = _axes(rois[one], bins[one], image, scale, ratio, aligned)
        count = _f4(y0.shape[1] * x0.shape[1])
        for row in range(len(y0)):
            for column in range(len(x0)):
                given = bins[one, row, column]
                for i in range(y0.shape[1]):
                    for j in range(x0.shape[1]):
                        if y0[row, i] == _OUTSIDE or x0[column, j] == _OUTSIDE:
                            continue
                        top, low = image[y0[row, i]], image[y1[row, i]]
                        a, b, c, d = _shares(ly[row, i], lx[column, j])
                        _add(top[x0[column, j]], given, a, count)
                        _add(top[x1[column, j]], given, b, count)
                        _add(low[x0[column, j]], given, c, count)
                        _add(low[x1[column, j]], given, d, count)


@_compiled
def _add(to: Any, given: Any, weight: Any, count: Any) -> None:
    for k in range(len(given)):
        to[k] += given[k] * weight / count
