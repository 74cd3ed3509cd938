"""Finds the sizes of pictures in data pipelines, and shrinks them all by one factor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..errors import BenchError

_SIZES = {
    "CenterCrop": ("crop_size",),
    "EfficientNetCenterCrop": ("crop_size",),
    "EfficientNetRandomCrop": ("scale",),
    "MAERandomResizedCrop": ("size",),
    "Pad": ("size",),
    "RandomChoiceResize": ("scales",),
    "RandomCrop": ("crop_size",),
    "RandomResize": ("scale",),
    "RandomResizedCrop": ("scale",),
    "Resize": ("scale",),
    "ResizeEdge": ("scale",),
    "ResizeShortestEdge": ("scale", "max_size"),
}
"""Type of a step to its arguments that are pixels. A step that cuts or pads is in `_CUTS`, too."""
_CUTS = {
    "CenterCrop",
    "EfficientNetCenterCrop",
    "EfficientNetRandomCrop",
    "MAERandomResizedCrop",
} | {
    "Pad",
    "RandomCrop",
    "RandomResizedCrop",
}
_LIKE_A_SIZE = {
    "crop_size", "height", "image_size", "img_scale", "img_size", "max_size", "pad_size", "scale",
    "scales", "size", "width",
}  # fmt: skip
_MULTIPLE = 32
"""What a crop's sides stay a multiple of: the strides of every backbone here."""


def reference(steps: list[dict[str, Any]]) -> int | None:
    """The side of what the network is shown: the smallest crop, or the largest short side.

    Args:
        steps: All steps of a config.

    Returns:
        Pixels; None where no step says a size.

    Raises:
        BenchError: A step that is not known here has an argument that looks like a size.
    """
    cuts: list[int] = []
    resizes: list[int] = []
    for step in steps:
        name = str(step["type"]).rsplit(".", 1)[-1]
        if name not in _SIZES:
            odd = sorted(_LIKE_A_SIZE & step.keys())
            if odd:
                raise BenchError(
                    f"the pipeline step {name} has a size ({odd[0]}={step[odd[0]]}) that a "
                    "rehearsal does not know how to reduce.",
                    "Add it to mrcl_bench/rehearsal/pipeline.py.",
                )
            continue
        for key in _SIZES[name]:
            shorts = list(_short_sides(step.get(key)))
            (cuts if name in _CUTS else resizes).extend(shorts)
    return min(cuts) if cuts else max(resizes, default=None)


def shrink(steps: list[dict[str, Any]], factor: float) -> None:
    """Scales all sizes of all steps in place; crops keep sides that the strides divide."""
    for step in steps:
        name = str(step["type"]).rsplit(".", 1)[-1]
        for key in _SIZES.get(name, ()):
            if step.get(key) is not None:
                step[key] = scaled(step[key], factor, cut=name in _CUTS)


def scaled(value: Any, factor: float, cut: bool) -> Any:
    """A number of pixels, or any nesting of them, times a factor.

    Args:
        value: Pixels.
        factor: At most 1.
        cut: Whether the result must be a multiple that strides divide.
    """
    if isinstance(value, list | tuple):
        return type(value)(scaled(item, factor, cut) for item in value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return value  # e.g. -1 for "whatever the other side gives"
    if cut:
        return max(_MULTIPLE, round(value * factor / _MULTIPLE) * _MULTIPLE)
    return max(1, round(value * factor))


def _short_sides(value: Any) -> Iterator[int]:
    """Short sides of one size or a list of sizes."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield int(value)
    elif isinstance(value, list | tuple):
        if any(isinstance(item, list | tuple) for item in value):
            for item in value:
                yield from _short_sides(item)
        else:
            sides = [int(item) for item in value if isinstance(item, int | float) and item > 0]
            if sides:
                yield min(sides)
