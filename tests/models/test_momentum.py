"""The momentum encoder against mmengine's and mmpretrain's, which go parameter by parameter."""

import pytest
import torch
from mmengine.logging import MessageHub
from mmengine.model import ExponentialMovingAverage
from mmpretrain.models.utils import CosineEMA
from torch import nn

from mrcl_bench.models.momentum import MomentumEncoder


@pytest.mark.parametrize("end", [None, 0.0, 0.05])
def test_equal_to_the_bit_and_of_the_same_keys(end):
    MessageHub.get_current_instance().update_info("max_iters", 7)
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)).train()
    net[2].bias.requires_grad_(False)
    ours = MomentumEncoder(net, 0.2, end)
    theirs = (
        ExponentialMovingAverage(net, 0.2)
        if end is None
        else CosineEMA(net, momentum=0.2, end_momentum=end)
    )
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    assert not any(parameter.requires_grad for parameter in ours.parameters())
    first = ours.module[0].weight.clone()
    for _ in range(6):
        net(torch.randn(3, 5)).sum().backward()
        with torch.no_grad():
            for parameter in net.parameters():
                parameter += torch.randn_like(parameter)
        ours.update_parameters(net)
        theirs.update_parameters(net)
        for name, value in theirs.state_dict().items():
            assert torch.equal(ours.state_dict()[name], value), name
    assert not torch.equal(ours.module[0].weight, first)
    assert not torch.equal(ours.module[0].weight, net[0].weight)
    assert torch.equal(ours.module[1].running_mean, net[1].running_mean)
