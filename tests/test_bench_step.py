"""The benchmark's training step: the networks of the recipes, and fewer operations than MoCo v3."""

from __future__ import annotations

import pytest

pytest.importorskip("mmpretrain")

import torch  # noqa: E402
from mmengine.registry import DefaultScope  # noqa: E402

from benchmarks.bench_step import CONTESTANTS, Step  # noqa: E402


def test_mrcl_costs_at_most_three_quarters_of_moco_v3() -> None:
    """By operations, which a busy machine does not change: a part of the time's target."""
    steps = {}
    with DefaultScope.overwrite_default_scope("mmpretrain"):
        for name, (algorithm, changes) in CONTESTANTS.items():
            steps[name] = Step(algorithm, "vit-128x4", 2, changes)
    operations = {name: step.operations() for name, step in steps.items()}
    assert operations["MRCL"] <= 0.75 * operations["MoCo v3"]
    assert operations["MRCL, one view reconstructed"] < operations["MRCL"]
    for step in steps.values():
        patches = step.model.backbone.patch_embed.init_out_size
        assert patches[0] * patches[1] == 196
        before = [value.detach().clone() for value in step.model.parameters()]
        assert step.seconds() > 0
        changed = zip(before, step.model.parameters(), strict=True)
        assert any(not torch.equal(old, new) for old, new in changed)
