"""``FusedMultiView`` and ``FusedView``: from a file to all views of a picture, in one step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.registry import TRANSFORMS
from numpy.typing import NDArray

from ..engine.whole_images import naming
from . import draws, kernels
from .draws import View
from .pack import read_picture
from .recipe import read

GREY = np.array([0.114, 0.587, 0.299], dtype=np.float32)
"""Luma of blue, green and red, ITU-R BT.601, as Pillow's."""
_NO_SOLARISING = 256


# In the root registry, where the look-up of every OpenMMLab scope ends.
@TRANSFORMS.register_module()
class FusedMultiView(BaseTransform):  # type: ignore[misc]
    """Decodes a picture once and makes all its views, each with one pass over its pixels.

    Stands for ``LoadImageFromFile`` and mmpretrain's ``MultiView`` and takes the latter's
    arguments, with the same distributions; random numbers are numpy's, which mmengine seeds in
    every worker. It differs in rounding: to 8 bits once, not after every colour.

    Args:
        transforms: Steps of each kind of view; see `mrcl_bench.augment.recipe.read`.
        num_views: Views of each kind.

    Raises:
        ValueError: A step has no counterpart here, or views differ in size.
    """

    def __init__(
        self,
        transforms: Sequence[Sequence[Mapping[str, Any]]],
        num_views: int | Sequence[int],
    ) -> None:
        counts = [num_views] if isinstance(num_views, int) else list(num_views)
        if len(counts) != len(transforms):
            raise ValueError(f"{len(counts)} numbers of views for {len(transforms)} kinds of them")
        kinds = [read(steps) for steps in transforms]
        shared = {(kind.size, kind.interpolation) for kind in kinds}
        if len(shared) != 1:
            raise ValueError(f"views differ in size or interpolation: {sorted(shared)}")
        self.size, interpolation = shared.pop()
        self.cubic = interpolation == "bicubic"
        self.views = [k.view for k, n in zip(kinds, counts, strict=True) for _ in range(n)]
        self._compile()

    def _compile(self) -> None:
        """Compiles, or loads what was compiled, before worker processes are forked."""
        state = np.random.get_state()
        everything = View(jitter=1, brightness=1, contrast=1, saturation=1, hue=0.5, grey=1, blur=1)
        self._view(np.zeros((8, 8, 3), np.uint8), everything)
        np.random.set_state(state)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Makes the views.

        Args:
            results: ``img_path``; or ``img``, (H, W, 3) uint8 in BGR.

        Returns:
            The same dict; ``img`` is the list of views, (size, size, 3) uint8 in BGR.

        Raises:
            BrokenImage: The file cannot be read whole.
        """
        image = results.get("img")
        if image is None:
            with naming(results["img_path"]):
                image = read_picture(str(results["img_path"]))
        results["ori_shape"] = image.shape[:2]
        results["img_shape"] = (self.size, self.size)
        results["img"] = [self._view(image, view) for view in self.views]
        return results

    def _view(self, image: NDArray[np.uint8], view: View) -> NDArray[np.uint8]:
        height, width = image.shape[:2]
        crop = draws.crop(view, height, width)
        lines = np.empty((self.size, 3 * crop[3]), np.float32)
        flat_image = np.ascontiguousarray(image).reshape(height, 3 * width)
        kernels.resample_rows(flat_image, crop, self.cubic, lines)
        planes = np.empty((3, self.size, self.size), np.float32)
        mirrored = draws.happens(view.flip)
        kernels.resample_columns(cv2.transpose(lines), self.cubic, mirrored, planes)
        flat = planes.reshape(3, -1)
        if draws.happens(view.jitter):
            _jitter(flat, view)
        if draws.happens(view.grey):
            kernels.saturate(flat, np.float32(0), GREY)
        if draws.happens(view.blur):
            kernels.blur(planes, float(np.random.uniform(*view.sigma)))
        pixels = np.empty((3, self.size, self.size), np.uint8)
        threshold = view.threshold if draws.happens(view.solarise) else _NO_SOLARISING
        kernels.to_bytes(flat, threshold, pixels.reshape(3, -1))
        out = np.empty_like(pixels)
        for plane, turned in zip(pixels, out, strict=True):
            cv2.transpose(plane, dst=turned)
        return out.transpose(1, 2, 0)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(size={self.size}, views={self.views})"


@TRANSFORMS.register_module()
class FusedView(FusedMultiView):
    """One view, for what compares none: stands for ``LoadImageFromFile`` and the view's steps.

    Args:
        transforms: Steps of the view; see `mrcl_bench.augment.recipe.read`.
    """

    def __init__(self, transforms: Sequence[Mapping[str, Any]]) -> None:
        super().__init__([transforms], 1)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Makes the view; see `FusedMultiView.transform`, but ``img`` is the view itself."""
        results = super().transform(results)
        (results["img"],) = results["img"]
        return results


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
