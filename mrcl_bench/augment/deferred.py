"""Lets a model do the colours of its views that `FusedMultiView` has left, batch by batch."""

from __future__ import annotations

from typing import Any

from .device import colour

STEP = "FusedMultiView"
"""The step of a pipeline that can leave them."""


def defer(config: Any) -> bool:
    """Tells the training pipeline of a config to leave colours to the device.

    Args:
        config: Resolved config; changed in place.

    Returns:
        Whether it has a step that can.
    """
    found = _steps((config.get("train_dataloader") or {}).get("dataset"))
    for step in found:
        step.defer_colours = True
    return bool(found)


def take_on(model: Any) -> None:
    """Makes a model do, in front of its data preprocessor, what its pipeline leaves.

    Args:
        model: Of mmpretrain; gets batches of ``inputs`` that are lists, what was drawn last.
    """
    model.data_preprocessor.register_forward_pre_hook(_colour)


def _colour(preprocessor: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    batch, *rest = arguments
    *views, drawn = batch["inputs"]
    each = drawn.cpu().chunk(len(views), dim=1)
    views = preprocessor.cast_data(views)
    done = [colour(view, rows) for view, rows in zip(views, each, strict=True)]
    return ({**batch, "inputs": done}, *rest)


def _steps(part: Any) -> list[Any]:
    """The steps in a config's data set, however deep: data sets may stand in each other."""
    if isinstance(part, dict):
        if str(part.get("type", "")).rsplit(".", 1)[-1] == STEP:
            return [part]
        part = list(part.values())
    return [step for item in part for step in _steps(item)] if isinstance(part, list) else []
