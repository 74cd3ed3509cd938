"""Weights that no gradient reaches: frozen before processes exchange gradients, or named."""

from __future__ import annotations

import copy
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("mmpretrain")

import torch  # noqa: E402
from mmengine.registry import MODELS, DefaultScope  # noqa: E402

from mrcl_bench.catalog import config_root  # noqa: E402
from mrcl_bench.engine.runtime import build_runner  # noqa: E402
from mrcl_bench.engine.several import EveryWeightHook, freeze_as_initialised  # noqa: E402
from mrcl_bench.errors import BenchError  # noqa: E402
from mrcl_bench.resolve import load_config  # noqa: E402

from .toy_run import ToyNet, config  # noqa: E402


def _streams() -> list[Any]:
    return [random.getstate(), str(np.random.get_state()), torch.get_rng_state().tolist()]


@pytest.mark.parametrize("algorithm", ["simclr", "mocov3"])
def test_what_initialisation_freezes_is_frozen_before(algorithm: str) -> None:
    wanted = load_config(config_root() / f"_base_/models/{algorithm}_vit-128x4.py").model
    with DefaultScope.overwrite_default_scope("mmpretrain"):
        from mmpretrain.registry import MODELS as PRETRAINED

        model = PRETRAINED.build(wanted)
        # by itself it is frozen too late, which is what this is for
        assert model.backbone.pos_embed.requires_grad
        before, streams = copy.deepcopy(model.state_dict()), _streams()
        freeze_as_initialised(model)
    assert _streams() == streams
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    found = {name for name, weight in model.named_parameters() if weight.requires_grad}
    model.init_weights()
    assert found == {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert "backbone.pos_embed" not in found and "backbone.cls_token" in found


@MODELS.register_module(force=True)
class ToyNetWithAnIdleWeight(ToyNet):
    """Has a weight that no loss looks at."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.idle = torch.nn.Parameter(torch.zeros(1))


@pytest.mark.parametrize(
    ("network", "allowed", "stops"),
    [("ToyNet", False, False), ("ToyNetWithAnIdleWeight", False, True),
     ("ToyNetWithAnIdleWeight", True, False)],
)  # fmt: skip
def test_a_weight_without_a_gradient_is_named(
    tmp_path: Path, network: str, allowed: bool, stops: bool
) -> None:
    wanted = config(length=2)
    wanted.model.type = network
    wanted.find_unused_parameters = allowed
    runner = build_runner(wanted, tmp_path, 0, "none", "toy")
    runner.register_hook(EveryWeightHook())
    if not stops:
        runner.train()
        assert runner.iter == 2
        return
    with pytest.raises(BenchError, match="no loss reaches idle: with several processes"):
        runner.train()
