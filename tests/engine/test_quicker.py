"""A detector with our layers in the libraries' places: the same bits, whatever the order."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mmdet.models.necks import FPN
from mmdet.models.roi_heads.roi_extractors import SingleRoIExtractor
from mmdet.registry import MODELS
from mmengine.config import Config
from mmengine.registry import DefaultScope

from benchmarks.scenes import batch
from mrcl_bench.engine.quicker import quicken
from mrcl_bench.engine.runtime import import_custom
from mrcl_bench.engine.switches import switch_model
from mrcl_bench.models.attention import UnboundAttention
from mrcl_bench.models.roi_align import QuickRoIAlign

CONFIG = (
    Path(__file__).parent.parent
    / "mm_configs"
    / "detection"
    / "mask-rcnn_vit-128x4_fpn_1xb4-4iters_stamps-96x96-micro.py"
)


@pytest.fixture(scope="module")
def stock() -> Any:
    config = Config.fromfile(CONFIG)
    import_custom(config)
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope("mmdet"):
        model = MODELS.build(config.model)
    model.init_weights()
    return model.train()


def _losses_and_gradients(model: Any) -> list[torch.Tensor]:
    torch.manual_seed(3)
    np.random.seed(3)
    total, losses = model.parse_losses(model(**batch(2, 96), mode="loss"))
    total.backward()
    return [*losses.values(), *(weight.grad for weight in model.parameters())]


def test_a_detector_has_the_same_losses_and_gradients(stock: Any) -> None:
    expected = _losses_and_gradients(deepcopy(stock))
    ours = deepcopy(stock)
    quicken(ours)
    kinds = {type(part) for part in ours.modules()}
    assert {QuickRoIAlign, UnboundAttention} <= kinds
    for one, other in zip(_losses_and_gradients(ours), expected, strict=True):
        assert torch.equal(one, other)


def test_channels_last_pools_the_same_features() -> None:
    """mmcv's RoIAlign takes maps whose channels come last for others."""
    torch.manual_seed(0)
    align = {"type": "RoIAlign", "output_size": 3, "sampling_ratio": 2}
    neck = FPN([4, 4], 6, num_outs=2)
    stock = torch.nn.ModuleList([neck, SingleRoIExtractor(align, 6, [4, 8])])
    maps = [torch.randn(1, 4, side, side) for side in (16, 8)]
    rois = torch.tensor([[0.0, 3, 5, 40, 50], [0, 10, 10, 60, 30]])

    def pooled(net: torch.nn.ModuleList) -> torch.Tensor:
        return net[1](net[0](maps), rois)

    expected = pooled(stock)
    last, ours = deepcopy(stock), deepcopy(stock)
    quicken(ours)
    for net in (last, ours):
        switch_model(net, ["channels-last"])
    torch.testing.assert_close(pooled(ours), expected, rtol=1e-4, atol=1e-5)
    assert (pooled(last) - expected).abs().max() > 0.1
