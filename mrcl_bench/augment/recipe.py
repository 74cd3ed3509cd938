"""Reads mmpretrain's words for a view's transforms into how it is drawn here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from .draws import View

Interpolation = Literal["bilinear", "bicubic"]


@dataclass(frozen=True)
class Drawn:
    """A view, and what all views of a transform must share.

    Attributes:
        view: How it is drawn.
        size: Side in pixels.
        interpolation: Of the resampling.
    """

    view: View
    size: int
    interpolation: Interpolation


def read(steps: Sequence[Mapping[str, Any]]) -> Drawn:
    """Reads the steps of one view.

    Args:
        steps: As in ``MultiView(transforms=[[…]])``: a ``RandomResizedCrop``, then any of
            ``RandomFlip``, ``ColorJitter`` (alone or in a ``RandomApply``), ``RandomGrayscale``,
            ``GaussianBlur`` and ``Solarize``, each once, colours in this order.

    Returns:
        The view.

    Raises:
        ValueError: A step or an argument has no counterpart here, or the order differs.
    """
    drawn: Drawn | None = None
    reached = 0
    for step in steps:
        name, options = str(step["type"]), {k: v for k, v in step.items() if k != "type"}
        if name not in _ORDER:
            raise ValueError(f"no fused counterpart of '{name}'; there is {', '.join(_ORDER)}")
        if name == "RandomResizedCrop":
            if drawn is not None:
                raise ValueError("RandomResizedCrop stands first, and once")
            drawn = _crop(options)
            continue
        if drawn is None:
            raise ValueError("the first step must be RandomResizedCrop")
        if name != "RandomFlip":  # commutes with all others
            if _ORDER[name] <= reached:
                raise ValueError(f"'{name}' is out of the order {', '.join(_ORDER)}, or doubled")
            reached = _ORDER[name]
        drawn = replace(drawn, view=_READERS[name](drawn.view, options))
        if options:
            raise ValueError(f"'{name}' has no fused counterpart with {sorted(options)}")
    if drawn is None:
        raise ValueError("a view needs a RandomResizedCrop")
    return drawn


def _crop(options: dict[str, Any]) -> Drawn:
    size, backend = options.pop("scale"), options.pop("backend", "cv2")
    if backend != "pillow" or not isinstance(size, int):
        raise ValueError("RandomResizedCrop is fused with backend='pillow' and a whole scale only")
    interpolation = options.pop("interpolation", "bilinear")
    if interpolation not in ("bilinear", "bicubic"):
        raise ValueError(f"RandomResizedCrop is not fused with interpolation '{interpolation}'")
    share = tuple(options.pop("crop_ratio_range", (0.08, 1.0)))
    aspect = tuple(options.pop("aspect_ratio_range", (3 / 4, 4 / 3)))
    if options:
        raise ValueError(f"RandomResizedCrop has no fused counterpart with {sorted(options)}")
    return Drawn(View(crop=share, aspect=aspect), size, interpolation)


def _flip(view: View, options: dict[str, Any]) -> View:
    if options.pop("direction", "horizontal") != "horizontal":
        raise ValueError("RandomFlip is fused for direction='horizontal' only")
    return replace(view, flip=_one(options.pop("prob")))


def _apply(view: View, options: dict[str, Any]) -> View:
    inner = options.pop("transforms")
    inner = [inner] if isinstance(inner, Mapping) else inner
    if len(inner) != 1 or inner[0]["type"] != "ColorJitter":
        raise ValueError("RandomApply is fused around one ColorJitter only")
    rest = {key: value for key, value in inner[0].items() if key != "type"}
    jittered = _jitter(view, rest)
    if rest:
        raise ValueError(f"'ColorJitter' has no fused counterpart with {sorted(rest)}")
    return replace(jittered, jitter=options.pop("prob", 0.5))


def _jitter(view: View, options: dict[str, Any]) -> View:
    if options.pop("backend", "pillow") != "pillow":
        raise ValueError("ColorJitter is fused with backend='pillow' only")
    spreads = {k: options.pop(k, 0.0) for k in ("brightness", "contrast", "saturation", "hue")}
    if not all(isinstance(value, int | float) for value in spreads.values()):
        raise ValueError("ColorJitter is fused with one number for each range only")
    return replace(view, jitter=1.0, **spreads)


def _grey(view: View, options: dict[str, Any]) -> View:
    if not options.pop("keep_channels", False):
        raise ValueError("RandomGrayscale is fused with keep_channels=True only")
    weights = tuple(options.pop("channel_weights", (1.0, 1.0, 1.0)))
    if any(abs(one - other) > 1e-3 for one, other in zip(weights, LUMA, strict=True)):
        raise ValueError(f"RandomGrayscale is fused with channel_weights={LUMA} only")
    return replace(view, grey=options.pop("prob", 0.5))


def _blur(view: View, options: dict[str, Any]) -> View:
    if options.pop("magnitude_std", None) != "inf" or options.pop("radius", None) is not None:
        raise ValueError("GaussianBlur is fused with a uniform magnitude_range only")
    sigma = tuple(options.pop("magnitude_range"))
    return replace(view, blur=options.pop("prob", 0.5), sigma=sigma)


def _solarise(view: View, options: dict[str, Any]) -> View:
    return replace(view, threshold=options.pop("thr"), solarise=options.pop("prob", 0.5))


def _one(value: Any) -> float:
    if not isinstance(value, int | float):
        raise ValueError("RandomFlip is fused with a single prob only")
    return float(value)


LUMA = (0.114, 0.587, 0.2989)
"""Weights of blue, green and red as configs write them."""
_READERS: dict[str, Callable[[View, dict[str, Any]], View]] = {
    "RandomFlip": _flip,
    "RandomApply": _apply,
    "ColorJitter": _jitter,
    "RandomGrayscale": _grey,
    "GaussianBlur": _blur,
    "Solarize": _solarise,
}
_ORDER = {"RandomResizedCrop": 0, "RandomFlip": 0, "RandomApply": 1, "ColorJitter": 1} | {
    "RandomGrayscale": 2,
    "GaussianBlur": 3,
    "Solarize": 4,
}
