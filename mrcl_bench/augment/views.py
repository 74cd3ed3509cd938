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
from .draws import Colours, View
from .pack import read_picture
from .recipe import read

GREY = np.array(draws.GREY, dtype=np.float32)


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
        defer_colours: Whether colours and blur are drawn here, but left to be done batch by batch
            (`mrcl_bench.augment.device`).

    Raises:
        ValueError: A step has no counterpart here, or views differ in size.
    """

    def __init__(
        self,
        transforms: Sequence[Sequence[Mapping[str, Any]]],
        num_views: int | Sequence[int],
        defer_colours: bool = False,
    ) -> None:
        self.defer_colours = defer_colours
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
        self._view(np.zeros((8, 8, 3), np.uint8), everything, [])
        np.random.set_state(state)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Makes the views.

        Args:
            results: ``img_path``; or ``img``, (H, W, 3) uint8 in BGR.

        Returns:
            The same dict; ``img`` is the list of views, (size, size, 3) uint8 in BGR. With
            ``defer_colours`` what was drawn for all views comes last in it, a row of float32
            (`draws.Colours.packed`).

        Raises:
            BrokenImage: The file cannot be read whole.
        """
        image = results.get("img")
        if image is None:
            with naming(results["img_path"]):
                image = read_picture(str(results["img_path"]))
        results["ori_shape"] = image.shape[:2]
        results["img_shape"] = (self.size, self.size)
        left: list[Colours] = []
        results["img"] = [self._view(image, view, left) for view in self.views]
        if self.defer_colours:
            results["img"].append(np.concatenate([colours.packed() for colours in left]))
        return results

    def _view(self, image: NDArray[np.uint8], view: View, left: list[Colours]) -> NDArray[np.uint8]:
        """Makes a view; what is drawn of its colours, but not done here, is added to ``left``."""
        height, width = image.shape[:2]
        crop = draws.crop(view, height, width)
        lines = np.empty((self.size, 3 * crop[3]), np.int16)
        flat_image = np.ascontiguousarray(image).reshape(height, 3 * width)
        kernels.resample_rows(flat_image, crop, self.cubic, lines)
        planes = np.empty((3, self.size, self.size), np.float32)
        mirrored = draws.happens(view.flip)
        kernels.resample_columns(cv2.transpose(lines), self.cubic, mirrored, planes)
        flat = planes.reshape(3, -1)
        colours = draws.colours(view)
        if self.defer_colours:
            left.append(colours)
            colours = Colours()
        _colour(planes, colours)
        pixels = np.empty((3, self.size, self.size), np.uint8)
        kernels.to_bytes(flat, colours.threshold, pixels.reshape(3, -1))
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


def _colour(planes: NDArray[np.float32], colours: Colours) -> None:
    """Changes brightness, contrast, saturation and hue in their order, greys and blurs."""
    flat = planes.reshape(3, -1)
    for step, amount in colours.steps:
        if step == draws.BRIGHTNESS:
            kernels.scale(flat, np.float32(amount))
        elif step == draws.CONTRAST:
            kernels.contrast(flat, np.float32(amount), GREY)
        elif step == draws.SATURATION:
            kernels.saturate(flat, np.float32(amount), GREY)
        else:
            kernels.turn(flat[2], flat[1], flat[0], np.float32(amount))
    if colours.grey:
        kernels.saturate(flat, np.float32(0), GREY)
    if colours.sigma:
        kernels.blur(planes, colours.sigma)
