"""Sizes in pipelines are found by the type of step, and scaled together."""

from __future__ import annotations

from typing import Any

import pytest

from mrcl_bench.config_steps import steps_of
from mrcl_bench.errors import BenchError
from mrcl_bench.rehearsal.pipeline import reference, scaled, shrink

CLASSIFY = [
    {"type": "LoadImageFromFile"},
    {"type": "ResizeEdge", "scale": 256, "edge": "short"},
    {"type": "CenterCrop", "crop_size": 224},
]
DETECT = [
    {"type": "RandomChoiceResize", "scales": [(1333, 640), (1333, 800)], "keep_ratio": True},
    {"type": "RandomFlip", "prob": 0.5},
]
SEGMENT = [
    {"type": "RandomResize", "scale": (2048, 1024), "ratio_range": (0.5, 2.0)},
    {"type": "RandomCrop", "crop_size": (512, 1024), "cat_max_ratio": 0.75},
]


@pytest.mark.parametrize(("steps", "side"), [(CLASSIFY, 224), (DETECT, 800), (SEGMENT, 512)])
def test_reference_is_what_the_network_is_shown(steps: list[dict[str, Any]], side: int) -> None:
    assert reference(steps) == side
    assert reference([{"type": "LoadImageFromFile"}]) is None


def test_sizes_shrink_by_one_factor_and_crops_stay_multiples() -> None:
    steps = [dict(step) for step in (*CLASSIFY, *DETECT, *SEGMENT)]
    shrink(steps, 0.25)
    assert steps[1]["scale"] == 64 and steps[2]["crop_size"] == 64
    assert steps[3]["scales"] == [(333, 160), (333, 200)]
    assert steps[5]["scale"] == (512, 256) and steps[5]["ratio_range"] == (0.5, 2.0)
    assert steps[6]["crop_size"] == (128, 256) and steps[6]["cat_max_ratio"] == 0.75
    assert scaled((-1, 100), 0.5, cut=False) == (-1, 50)
    assert scaled(10, 0.5, cut=True) == 32, "never below a stride"


def test_steps_inside_steps_are_found() -> None:
    view = [{"type": "RandomApply", "transforms": [{"type": "mmpretrain.RandomResizedCrop"}]}]
    nested = [{"type": "MultiView", "transforms": [view, [{"type": "Solarize", "thr": 128}]]}]
    assert [step["type"] for step in steps_of(nested)] == [
        "MultiView",
        "RandomApply",
        "mmpretrain.RandomResizedCrop",
        "Solarize",
    ]


def test_an_unknown_step_with_a_size_is_refused_by_name() -> None:
    with pytest.raises(BenchError, match=r"step MyCrop has a size \(crop_size=96\)"):
        reference([{"type": "my.MyCrop", "crop_size": 96}])
    assert reference([*CLASSIFY, {"type": "MyColours", "strength": 2}]) == 224
