"""How pixels become a backbone's input. Needs neither torch nor any mm package."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import BenchError

IMAGENET = {
    "mean": (123.675, 116.28, 103.53),
    "std": (58.395, 57.12, 57.375),
    "channel_order": "rgb",
}
"""ImageNet's statistics of pixels in 0 … 255, the field's habit (torchvision's, times 255)."""

_Three = tuple[float, float, float]
_Positive = Annotated[float, Field(gt=0)]


class Normalisation(BaseModel):
    """How pixels become the backbone's input: ``(pixel - mean) / std`` per channel.

    Attributes:
        mean: Per channel, in units of ``value_range`` and the order of ``channel_order``.
        std: Per channel, likewise; positive.
        channel_order: Order of the channels that the backbone was trained on.
        value_range: Darkest and brightest pixel before normalisation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    mean: _Three
    std: tuple[_Positive, _Positive, _Positive]
    channel_order: Literal["rgb", "bgr"]
    value_range: tuple[float, float] = (0.0, 255.0)

    def in_bytes(self) -> tuple[_Three, _Three]:
        """Mean and std that do the same to pixels in 0 … 255, in the same channel order."""
        low, high = self.value_range
        scale = 255.0 / (high - low)
        mean = tuple(round((value - low) * scale, 6) for value in self.mean)
        std = tuple(round(value * scale, 6) for value in self.std)
        return mean, std  # type: ignore[return-value]

    def sha256(self) -> str:
        """Hash of what it does to pixels, equal for equal `in_bytes`."""
        text = json.dumps([*self.in_bytes(), self.channel_order])
        return hashlib.sha256(text.encode()).hexdigest()

    def __str__(self) -> str:
        mean, std = self.in_bytes()
        return (
            f"{self.channel_order}, mean {' '.join(f'{value:g}' for value in mean)}, "
            f"std {' '.join(f'{value:g}' for value in std)}"
        )


def checked(value: Normalisation | Mapping[str, Any]) -> Normalisation:
    """Validates a normalisation.

    Raises:
        BenchError: A field is wrong, or the range of values is empty.
    """
    try:
        found = Normalisation.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "top level"
        raise BenchError(
            f"the normalisation is not valid: {where}: {first['msg']}.",
            "Give three means and three positive standard deviations.",
        ) from None
    if found.value_range[0] >= found.value_range[1]:
        raise BenchError(
            f"the normalisation's value_range {found.value_range} is empty.",
            "Give the darkest pixel first, then the brightest.",
        )
    return found
