"""How pixels become input: units, equality and refusals."""

from __future__ import annotations

from typing import Any

import pytest

from mrcl_bench.errors import BenchError
from mrcl_bench.normalisation import IMAGENET, Normalisation, checked


def of(mean: float, std: float, low: float, high: float, order: str = "rgb") -> Normalisation:
    return checked(
        {
            "mean": [mean] * 3,
            "std": [std] * 3,
            "channel_order": order,
            "value_range": [low, high],
        }
    )


@pytest.mark.parametrize(
    ("given", "mean", "std"),
    [
        (of(0.5, 0.5, 0, 1), 127.5, 127.5),
        (of(0, 1, -1, 1), 127.5, 127.5),
        (of(1, 2, 0, 255), 1, 2),
    ],
)
def test_statistics_of_any_range_become_those_of_bytes(
    given: Normalisation, mean: float, std: float
) -> None:
    assert given.in_bytes() == ((mean,) * 3, (std,) * 3)
    low, high = given.value_range
    for pixel in (0, 100, 255):
        value = low + pixel * (high - low) / 255
        as_trained = (value - given.mean[0]) / given.std[0]
        assert (pixel - mean) / std == pytest.approx(as_trained)


def test_the_hash_is_of_what_it_does() -> None:
    assert of(0.5, 0.5, 0, 1).sha256() == of(127.5, 127.5, 0, 255).sha256()
    assert of(0, 1, 0, 255).sha256() != of(0, 1, 0, 255, "bgr").sha256()
    assert str(checked(IMAGENET)) == "rgb, mean 123.675 116.28 103.53, std 58.395 57.12 57.375"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"std": [1, 1]}, "std"),
        ({"std": [1, 0, 1]}, "std"),
        ({"mean": [float("nan")] * 3}, "mean"),
        ({"channel_order": "gbr"}, "channel_order"),
        ({"value_range": [1, 1]}, "value_range"),
        ({"range": [0, 1]}, "range"),
    ],
)
def test_nonsense_is_refused(change: dict[str, Any], named: str) -> None:
    with pytest.raises(BenchError, match=named) as caught:
        checked({**IMAGENET, **change})
    assert caught.value.cure
