"""Attention taken apart at once, against mmpretrain's."""

from copy import deepcopy

import pytest
import torch
from mmpretrain.models.utils import MultiheadAttention

from mrcl_bench.models.attention import UnboundAttention, unbind_attention


@pytest.mark.parametrize(
    "settings",
    [
        {},
        dict(attn_drop=0.3, proj_drop=0.2, dropout_layer=dict(type="DropPath", drop_prob=0.5)),
        dict(use_layer_scale=True, layer_scale_init_value=0.5, qkv_bias=False),
        dict(num_heads=1, v_shortcut=True),
    ],
)
def test_results_and_gradients_are_the_same_bits(settings: dict) -> None:
    torch.manual_seed(0)
    stock = MultiheadAttention(**{"embed_dims": 16, "num_heads": 4, **settings}).train()
    ours = deepcopy(torch.nn.ModuleList([stock]))
    unbind_attention(ours)
    assert type(ours[0]) is UnboundAttention
    tokens = torch.randn(3, 7, 16, requires_grad=True)
    found = []
    for attention in (stock, ours[0]):
        torch.manual_seed(1)
        out = attention(tokens)
        wanted = [tokens, *attention.parameters()]
        found.append((out, *torch.autograd.grad(out.square().sum(), wanted)))
    for one, other in zip(*found, strict=True):
        assert torch.equal(one, other)


def test_other_attentions_are_left_alone() -> None:
    class Own(MultiheadAttention):
        pass

    network = torch.nn.Sequential(Own(16, 4), torch.nn.Linear(16, 16))
    unbind_attention(network)
    assert type(network[0]) is Own
