"""The decoder that leaves out what no loss looks at, against mmpretrain's whole one."""

from copy import deepcopy

import pytest
import torch
from mmpretrain.models.necks import MAEPretrainDecoder
from mmpretrain.registry import MODELS
from torch.utils.flop_counter import FlopCounterMode

from mrcl_bench.models import HiddenDecoder

from .conftest import VIT

SIZES = dict(num_patches=36, patch_size=4, embed_dim=32, decoder_embed_dim=16, decoder_num_heads=2)


def case(depth, hide=22, batch=3):
    """A decoder whose weights are all away from their start, tokens, and a shuffled order."""
    torch.manual_seed(depth)
    decoder = HiddenDecoder(**SIZES, decoder_depth=depth)
    decoder.init_weights()
    with torch.no_grad():
        for parameter in decoder.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    tokens = torch.randn(batch, 1 + 36 - hide, 32, requires_grad=True)
    order = torch.rand(batch, 36).argsort(dim=1).argsort(dim=1)
    return decoder, tokens, order


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_predictions_are_those_of_the_whole_decoder(depth):
    decoder, tokens, order = case(depth)
    whole = decoder(tokens, order)
    hidden, places = decoder.hidden(tokens, order, 3)
    by_pixel = hidden.unflatten(-1, (3, -1)).transpose(-1, -2).flatten(-2)
    for image in range(3):
        expected = {place for place in range(36) if order[image, place] >= 14}
        assert set(places[image].tolist()) == expected
        torch.testing.assert_close(by_pixel[image], whole[image, places[image]])


@pytest.mark.parametrize("norm_pix", [True, False])
def test_loss_and_gradients_are_those_of_mmpretrain(build, views, norm_pix):
    """Of the model with each decoder: the same loss to 1e-6, the same gradients to rounding."""
    settings = dict(
        mask_ratio=0.6,
        decoder=VIT["decoder"] | dict(decoder_depth=3),
        head=VIT["head"] | dict(norm_pix=norm_pix),
    )
    thrifty, stock = build(**settings).train(), build(**settings).train()
    whole = MAEPretrainDecoder(**SIZES, decoder_depth=3)
    whole.load_state_dict(stock.decoder.state_dict())
    assert isinstance(thrifty.decoder, HiddenDecoder) and not isinstance(whole, HiddenDecoder)
    stock.decoder = whole
    losses = []
    for model in (thrifty, stock):
        torch.manual_seed(5)
        outputs = model.loss(views)
        model.parse_losses(outputs)[0].backward()
        losses.append(outputs)
    for name, value in losses[1].items():
        torch.testing.assert_close(losses[0][name], value, rtol=1e-6, atol=1e-7)
    expected = dict(stock.named_parameters())
    for name, parameter in thrifty.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(parameter.grad, expected[name].grad, rtol=1e-4, atol=1e-7)
        else:
            assert expected[name].grad is None, name


def test_less_is_computed():
    decoder, tokens, order = case(1)
    with FlopCounterMode(display=False) as whole:
        decoder(tokens, order)
    with FlopCounterMode(display=False) as thrifty:
        decoder.hidden(tokens, order, 3)
    # Of the only block, keys and values are left whole: 2 of its 12 parts, and the embedding.
    assert thrifty.get_total_flops() < 0.75 * whole.get_total_flops()


def test_other_decoders_are_taken_as_they_are(build, views):
    """A decoder of the user's own, by another name, is asked for everything as before."""

    class Own(MAEPretrainDecoder):
        pass

    MODELS.register_module(module=Own, force=True)
    try:
        model = build(decoder=deepcopy(VIT["decoder"]) | dict(type="Own")).eval()
    finally:
        MODELS.module_dict.pop("Own")
    assert type(model.decoder) is Own
    assert torch.isfinite(model.loss(views)["loss_reconstruct"])
