"""Chosen patches, and their normalisation, against mmpretrain's head."""

import pytest
import torch
from mmpretrain.models.heads import MAEPretrainHead

from mrcl_bench.models.patches import gather_patches, normalise_patches

LOSS = dict(type="PixelReconstructionLoss", criterion="L2")


@pytest.mark.parametrize("side", [16, 24])
def test_patches_are_those_of_the_head_channel_by_channel(side: int) -> None:
    images = torch.randn(3, 3, side, side)
    head = MAEPretrainHead(loss=LOSS, patch_size=4)
    places = torch.rand(3, (side // 4) ** 2).argsort(dim=1)[:, :5]
    whole = head.patchify(images).unflatten(-1, (16, 3)).transpose(-1, -2).flatten(-2)
    found = gather_patches(images, places, (4, 4))
    for image in range(3):
        assert torch.equal(found[image], whole[image, places[image]])


def test_images_and_patches_need_not_be_square() -> None:
    images = torch.arange(2 * 4 * 6.0).view(1, 2, 4, 6)
    found = gather_patches(images, torch.tensor([[3, 2]]), (2, 3))
    expected = [images[0, :, 2:, 3:].flatten(), images[0, :, 2:, :3].flatten()]
    assert torch.equal(found[0], torch.stack(expected))


@pytest.mark.parametrize("scale", [1.0, 1e-3, 0.0])
def test_normalised_patches_are_the_heads_targets(scale: float) -> None:
    """Flat patches, whose variance is no more than what is added to it, among them."""
    images = scale * torch.randn(2, 3, 16, 16) + 0.5
    head = MAEPretrainHead(loss=LOSS, patch_size=4, norm_pix=True)
    expected = head.construct_target(images)
    found = normalise_patches(head.patchify(images))
    # Of a flat patch at 0.5 the mean alone is rounded by 3e-8, which is 3e-5 of its deviation.
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4 if scale < 1 else 1e-6)
