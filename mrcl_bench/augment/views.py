"""The transform ``FusedViews``: from a file to all views of a picture, in one step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.registry import TRANSFORMS
from numpy.typing import NDArray

from . import draws, kernels
from .draws import View

GREY = np.array([0.114, 0.587, 0.299], dtype=np.float32)
"""Luma of blue, green and red, ITU-R BT.601, as Pillow's."""
_JPEG = b"\xff\xd8\xff"


# In the root registry, where the look-up of every OpenMMLab scope ends.
@TRANSFORMS.register_module()
class FusedViews(BaseTransform):  # type: ignore[misc]
    """Decodes a picture once and makes all its views.

    Stands for ``LoadImageFromFile`` and ``MultiView`` of mmpretrain, with the same distributions
    (see `View`); random numbers are numpy's, which mmengine seeds in every worker.

    Args:
        size: Side of the views in pixels.
        views: One dict of `View`'s fields for each view.
        interpolation: Of the resampling, antialiased.
    """

    def __init__(
        self,
        size: int,
        views: Sequence[Mapping[str, Any]],
        interpolation: Literal["bilinear", "bicubic"] = "bilinear",
    ) -> None:
        self.size = size
        self.views = [View(**view) for view in views]
        self.interpolation = interpolation

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Makes the views.

        Args:
            results: ``img_path``; or ``img``, (H, W, 3) uint8 in BGR.

        Returns:
            The same dict; ``img`` is the list of views, (size, size, 3) uint8 in BGR.
        """
        image = results.get("img")
        if image is None:
            image = decode(Path(results["img_path"]).read_bytes())
        results["ori_shape"] = image.shape[:2]
        results["img"] = [self._view(image, view) for view in self.views]
        results["img_shape"] = (self.size, self.size)
        return results

    def _view(self, image: NDArray[np.uint8], view: View) -> NDArray[np.uint8]:
        height, width = image.shape[:2]
        crop = draws.crop(view, height, width)
        cubic = self.interpolation == "bicubic"
        lines = np.empty((self.size, 3 * crop[3]), np.float32)
        kernels.resample_rows(image.reshape(height, 3 * width), crop, cubic, lines)
        planes = np.empty((3, self.size, self.size), np.float32)
        mirrored = draws.happens(view.flip)
        kernels.resample_columns(cv2.transpose(lines), cubic, mirrored, planes)
        flat = planes.reshape(3, -1)
        if draws.happens(view.jitter):
            _jitter(flat, view)
        if draws.happens(view.grey):
            kernels.saturate(flat, np.float32(0), GREY)
        if draws.happens(view.blur):
            kernels.blur(planes, float(np.random.uniform(*view.sigma)))
        pixels = np.empty((3, self.size, self.size), np.uint8)
        threshold = view.threshold if draws.happens(view.solarise) else 256
        kernels.to_bytes(flat, threshold, pixels.reshape(3, -1))
        out = np.empty_like(pixels)
        for plane, turned in zip(pixels, out, strict=True):
            cv2.transpose(plane, dst=turned)
        return out.transpose(1, 2, 0)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size}, views={self.views})"


def decode(data: bytes) -> NDArray[np.uint8]:
    """Decodes a picture to (H, W, 3) uint8 in BGR.

    Raises:
        ValueError: The bytes are no picture.
    """
    if data.startswith(_JPEG):
        import simplejpeg

        found: NDArray[np.uint8] = simplejpeg.decode_jpeg(data, colorspace="BGR", fastdct=False)
        return found
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError("these bytes are no picture")
    return image


def _jitter(planes: NDArray[np.float32], view: View) -> None:
    """Changes brightness, contrast, saturation and hue, in random order."""
    for step in np.random.permutation(4):
        if step == 0 and view.brightness:
            kernels.scale(planes, np.float32(draws.factor(view.brightness)))
        elif step == 1 and view.contrast:
            kernels.contrast(planes, np.float32(draws.factor(view.contrast)), GREY)
        elif step == 2 and view.saturation:
            kernels.saturate(planes, np.float32(draws.factor(view.saturation)), GREY)
        elif step == 3 and view.hue:
            shift = np.float32(np.random.uniform(-view.hue, view.hue))
            kernels.turn(planes[2], planes[1], planes[0], shift)

