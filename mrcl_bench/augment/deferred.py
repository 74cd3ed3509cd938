"""Lets a model do the colours of its views that `FusedMultiView` has left, batch by batch."""

from __future__ import annotations

from typing import Any

from ..config_steps import steps_of
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
    steps = steps_of(config.get("train_dataloader"))
    found = [step for step in steps if str(step["type"]).rsplit(".", 1)[-1] == STEP]
    for step in found:
        step["defer_colours"] = True
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
