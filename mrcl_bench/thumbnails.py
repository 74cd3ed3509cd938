"""A few small pictures beside a run, for the report; never a reason to lose the run."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .atomic import write_atomic

SIDE = 96
"""Longest side of a stored picture, pixels."""


def keep(path: Path, make: Callable[[], dict[str, Any] | None]) -> None:
    """Writes arrays as ``.npz``; what goes wrong is told in the run's log and goes no further.

    Args:
        path: Destination. What an earlier run left there is removed first.
        make: Returns the arrays, or None if there is nothing to show.
    """
    path.unlink(missing_ok=True)
    try:
        arrays = make()
        if arrays is not None:
            write_atomic(path, lambda file: np.savez_compressed(file, **arrays))
    except Exception:
        traceback.print_exc()  # to the worker's log


def small(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Returns an image (H, W, 3) or map (H, W) as uint8 with no side above `SIDE`."""
    import cv2

    image = np.ascontiguousarray(image, dtype=np.uint8)
    height, width = image.shape[:2]
    scale = SIDE / max(height, width)
    if scale >= 1:
        return image
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    shrunk: NDArray[np.uint8] = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
    return shrunk
