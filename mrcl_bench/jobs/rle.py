"""Areas and overlaps of many run-length encoded masks, compiled.

The same whole numbers as pycocotools' ``rleArea`` and ``rleIou`` (common/maskApi.c), which a test
holds them to; there the way from Python and back, for every few masks, takes most of the time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as masks

Shape = dict[str, Any]
"""A mask in COCO's form: ``size``, and ``counts``, compressed or not."""

_AT_A_TIME = 1024
"""Masks that are read together: so few that their text stays in the processor's cache."""
_compiled = nb.njit(nogil=True, cache=True)
_i8, _u8 = np.int64, np.uint64


def areas(shapes: Sequence[Shape]) -> NDArray[np.int64]:
    """Returns the pixels of each."""
    found = [np.zeros(0, dtype=np.int64)]
    for part in _parts(len(shapes)):
        ends, first = _decode(*_text(shapes[part]))
        found.append(_areas(ends, first))
    return np.concatenate(found)


def iou(
    found: Sequence[Shape], truths: Sequence[Shape], crowd: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Returns the IoU of pairs; 0 where the pictures differ in size (pycocotools: 0 or -1).

    Args:
        found: First of each pair.
        truths: Second of each pair.
        crowd: Which truths are crowds: with them it is the share of the first that they cover.
    """
    ious = [np.zeros(0)]
    for part in _parts(len(found)):
        one, other = _decode(*_text(found[part])), _decode(*_text(truths[part]))
        both, own, truth = _common(*one, *other), _areas(*one), _areas(*other)
        union = np.where(crowd[part], own, own + truth - both)
        share = np.divide(both, union, out=np.zeros(len(both)), where=both > 0)
        size, wanted = ([one["size"] for one in side[part]] for side in (found, truths))
        if size != wanted:
            share[[a != b for a, b in zip(size, wanted, strict=True)]] = 0.0
        ious.append(share)
    return np.concatenate(ious)


def _parts(number: int) -> Iterator[slice]:
    for begin in range(0, number, _AT_A_TIME):
        yield slice(begin, begin + _AT_A_TIME)


def _text(shapes: Sequence[Shape]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Returns the compressed counts one after the other, and where those of each begin."""
    counts = [shape["counts"] for shape in shapes]
    if set(map(type, counts)) - {bytes}:
        counts = [compressed(shape)["counts"] for shape in shapes]
    begin = np.zeros(len(counts) + 1, dtype=np.int64)
    np.cumsum(np.array(list(map(len, counts))), out=begin[1:])
    return np.frombuffer(b"".join(counts), dtype=np.uint8), begin


def compressed(shape: Shape) -> Shape:
    """Returns a mask with ``counts`` as compressed bytes, the form that is read at once."""
    counts = shape["counts"]
    if isinstance(counts, list):
        counts = masks.frPyObjects(shape, *shape["size"])["counts"]
    return {"size": shape["size"], "counts": counts.encode() if isinstance(counts, str) else counts}


@_compiled
def _decode(text: Any, begin: Any) -> Any:
    """Reads counts: where each run ends, in pixels, and the place of each mask's first run.

    Source: ``rleFrString`` of pycocotools' common/maskApi.c: five bits in a character, the sixth
    says that more follow; from the fourth run on, the difference to the last run but one.
    """
    ends, first = np.empty(len(text), np.int64), np.empty(len(begin), np.int64)
    at = _u8(0)
    for mask in range(len(begin) - 1):
        first[mask] = at
        before, last, end, run = _i8(0), _i8(0), _i8(0), 0
        value, shift = _i8(0), _i8(0)
        for place in range(_u8(begin[mask]), _u8(begin[mask + 1])):
            c = _i8(text[place]) - _i8(48)
            value |= (c & _i8(31)) << shift
            shift += _i8(5)
            if c & _i8(32):
                continue
            sign = _i8(1) << (shift - _i8(1))  # without a branch: every other number is negative
            value = (value ^ sign) - sign
            if run > 2:
                value += before
            before, last = last, value
            end += value
            ends[at] = end
            at += _u8(1)
            run += 1
            value, shift = _i8(0), _i8(0)
    first[len(begin) - 1] = at
    return ends, first


@_compiled
def _areas(ends: Any, first: Any) -> Any:
    """Sums up every second run: the first of a mask is background."""
    found = np.zeros(len(first) - 1, np.int64)
    for mask in range(len(found)):
        for run in range(first[mask] + 1, first[mask + 1], 2):
            found[mask] += ends[run] - ends[run - 1]
    return found


@_compiled
def _common(ends: Any, first: Any, others: Any, begin: Any) -> Any:
    """Counts the pixels that both masks of each pair have."""
    found = np.zeros(len(first) - 1, np.int64)
    for pair in range(len(found)):
        a, b, both = first[pair] + 1, begin[pair] + 1, 0
        while a < first[pair + 1] and b < begin[pair + 1]:
            low, high = max(ends[a - 1], others[b - 1]), min(ends[a], others[b])
            both += max(high - low, 0)
            if ends[a] <= others[b]:
                a += 2
            else:
                b += 2
        found[pair] = both
    return found
