from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmpretrain.models import VisionTransformer
from mmpretrain.models.utils import resize_pos_embed
from mmpretrain.registry import MODELS

from mrcl_bench.models import MaskedViT
from mrcl_bench.models.masked_vit import visible_count

from .conftest import ARCH

CONFIGS = Path(__file__).parents[2] / "mm_configs" / "_base_" / "models"


@pytest.fixture
def pair():
    """A `MaskedViT` and a `VisionTransformer` that holds its weights, strictly loaded."""
    torch.manual_seed(0)
    masked = MaskedViT(arch=ARCH, img_size=24, patch_size=4)
    masked.init_weights()
    plain = VisionTransformer(arch=ARCH, img_size=24, patch_size=4, out_type="raw")
    plain.load_state_dict(masked.state_dict(), strict=True)
    for model in (masked, plain):
        model.eval()  # mmpretrain's backbones return None here.
    return masked, plain


@pytest.mark.parametrize("size", [24, 32])
def test_ratio_zero_is_the_plain_transformer(pair, size):
    masked, plain = pair
    images = torch.randn(2, 3, size, size)
    tokens, mask, ids_restore = masked(images, mask_ratio=0.0)
    torch.testing.assert_close(tokens, plain(images)[0], atol=1e-6, rtol=0)
    assert mask.sum() == 0
    assert ids_restore.tolist() == [list(range((size // 4) ** 2))] * 2
    assert masked(images)[0].shape == (2, 32, size // 4, size // 4)


def test_only_visible_tokens_enter_and_hidden_pixels_do_not_matter(pair):
    masked, _ = pair
    seen = []
    masked.layers[0].register_forward_hook(lambda _, args, out: seen.append(args[0].shape))
    images = torch.randn(3, 3, 24, 24)
    torch.manual_seed(5)
    tokens, mask, ids_restore = masked(images, mask_ratio=0.75)
    assert seen == [(3, 1 + 9, 32)] and tokens.shape == (3, 10, 32)
    assert mask.sum(dim=1).tolist() == [27, 27, 27]
    assert torch.equal((ids_restore >= 9).float(), mask)

    pixels = mask.view(3, 1, 6, 6).repeat_interleave(4, 2).repeat_interleave(4, 3)
    torch.manual_seed(5)
    again, mask_again, _ = masked(images + 100 * pixels, mask_ratio=0.75)
    assert torch.equal(mask, mask_again)
    assert torch.equal(tokens, again)
    assert len({tuple(row.tolist()) for row in mask}) == 3


@pytest.mark.parametrize("shape", [(24, 24), (24, 32), (26, 24)])
def test_projecting_visible_patches_alone_changes_nothing(pair, shape):
    """Tokens and gradients are those of mmpretrain's order: project all patches, then choose.

    26 px are padded by mmpretrain and take that way here, too.
    """
    masked, _ = pair
    images = torch.randn(2, 3, *shape)
    torch.manual_seed(5)
    tokens, mask, ids_restore = masked(images, mask_ratio=0.6)
    tokens.square().sum().backward()
    stem = masked.patch_embed.projection
    found = stem.weight.grad.clone(), stem.bias.grad.clone()
    masked.zero_grad()

    torch.manual_seed(5)
    whole, resolution = masked.patch_embed(images)
    pos = resize_pos_embed(masked.pos_embed, masked.patch_resolution, resolution, "bicubic", 1)
    chosen, other_mask, other_restore = masked.random_masking(whole + pos[:, 1:], 0.6)
    cls = (masked.cls_token + pos[:, :1]).expand(2, -1, -1)
    expected = torch.cat([cls, chosen], dim=1)
    for layer in masked.layers:
        expected = layer(expected)
    expected = masked.norm1(expected)
    expected.square().sum().backward()
    assert torch.equal(mask, other_mask) and torch.equal(ids_restore, other_restore)
    torch.testing.assert_close(tokens, expected, rtol=1e-5, atol=1e-6)
    for mine, theirs in zip(found, (stem.weight.grad, stem.bias.grad), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)


def test_ratios_that_cannot_be(pair):
    masked, _ = pair
    for ratio in (-0.1, 1.0, 0.99):
        with pytest.raises(ValueError, match="mask_ratio"):
            masked(torch.randn(1, 3, 24, 24), mask_ratio=ratio)
    assert visible_count(36, 0.75) == 9 and visible_count(36, 0.0) == 36
    with pytest.raises(TypeError, match="mask_ratio"):
        MaskedViT(arch=ARCH, mask_ratio=0.5)


def test_positions_are_frozen_unless_asked():
    assert not MaskedViT(arch=ARCH, img_size=24, patch_size=4).pos_embed.requires_grad
    free = MaskedViT(arch=ARCH, img_size=24, patch_size=4, trainable_pos_embed=True)
    free.init_weights()
    assert free.pos_embed.requires_grad


@pytest.mark.parametrize("name", ["simclr", "mocov3", "mae", "mrcl", "supervised"])
def test_every_recipe_trains_the_same_backbone(build, name):
    model = MODELS.build(Config.fromfile(CONFIGS / f"{name}_vit-128x4.py").model)
    model.init_weights()
    plain = VisionTransformer(
        arch=model.backbone.arch_settings, img_size=48, patch_size=8, out_type="featmap"
    )
    plain.load_state_dict(model.backbone.state_dict(), strict=True)
    assert not model.backbone.pos_embed.requires_grad
    inputs = [torch.randint(0, 256, (4, 3, 48, 48), dtype=torch.uint8) for _ in range(2)]
    if name == "supervised":
        assert model.extract_feat(inputs[0].float())[0].shape == (4, 128)
        return
    data = {"inputs": inputs[0] if name == "mae" else inputs, "data_samples": None}
    loss, _ = model.parse_losses(model(**model.data_preprocessor(data, True), mode="loss"))
    loss.backward()
    assert torch.isfinite(loss)
    assert model.backbone.layers[0].attn.qkv.weight.grad.abs().sum() > 0
