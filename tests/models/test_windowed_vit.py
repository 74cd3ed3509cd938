"""ViTDet's backbone against mmpretrain's plain ViT and its ViT with windows (SAM's)."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("mmpretrain")

from mmpretrain.models import VisionTransformer, ViTSAM  # noqa: E402
from torch import nn  # noqa: E402

from mrcl_bench.backbone_weights import load_backbone  # noqa: E402
from mrcl_bench.loading import Loading  # noqa: E402
from mrcl_bench.models import WindowedVisionTransformer  # noqa: E402

ARCH = {"embed_dims": 32, "num_layers": 3, "num_heads": 4, "feedforward_channels": 64}
LOADING = Loading(
    new=(r"layers[.]\d+[.]attn[.]rel_pos_[hw]",), left_out=("cls_token", r"ln1[.](weight|bias)")
)


def shaken(module: Any) -> Any:
    """A module in eval mode, all of its parameters at random."""
    torch.manual_seed(0)
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.2)
    module.eval()
    return module


def windowed(**options: Any) -> Any:
    plan = {"img_size": 64, "patch_size": 8, "global_blocks": (1,), "rel_pos_size": 8}
    return WindowedVisionTransformer(ARCH, **{**plan, **options})


@pytest.mark.parametrize(("side", "window"), [(64, 8), (96, 12)])
def test_without_relative_positions_and_windows_it_is_a_plain_vit(side: int, window: int) -> None:
    plain = shaken(
        VisionTransformer(
            ARCH, img_size=64, patch_size=8, out_type="featmap",
            with_cls_token=False, final_norm=False,
        )
    )  # fmt: skip
    network = windowed(window_size=window)
    network.eval()
    report = load_backbone(network, plain.state_dict(), new=LOADING.new)
    assert len(report.missing) == 2 * ARCH["num_layers"] and report.unexpected == []
    assert all(not network.state_dict()[key].any() for key in report.missing)
    image = torch.randn(2, 3, side, side)
    with torch.no_grad():
        (found,), (expected,) = network(image), plain(image)
    assert found.shape == (2, 32, side // 8, side // 8)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_windows_and_relative_positions_are_those_of_sam() -> None:
    network = shaken(windowed(window_size=3))
    sam = ViTSAM(
        {**ARCH, "global_attn_indexes": [1]},
        img_size=64, patch_size=8, out_channels=0, window_size=3,
    )  # fmt: skip
    weights = network.state_dict()
    weights["pos_embed"] = weights["pos_embed"].reshape(1, 8, 8, 32)
    sam.load_state_dict(weights, strict=True)
    sam.eval()
    image = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(network(image)[0], sam(image)[0], atol=1e-4, rtol=1e-4)
        plain = windowed(window_size=8)
        plain.load_state_dict(
            {k: v for k, v in network.state_dict().items() if "rel_pos" not in k}, strict=False
        )
        plain.eval()
        assert not torch.allclose(network(image)[0], plain(image)[0], atol=1e-2)


def test_it_takes_weights_with_class_token_and_final_norm() -> None:
    source = shaken(VisionTransformer(ARCH, img_size=64, patch_size=8))
    network = windowed()
    report = load_backbone(network, source.state_dict(), new=LOADING.new, left_out=LOADING.left_out)
    assert sorted(report.unexpected) == ["cls_token", "ln1.bias", "ln1.weight"]
    assert torch.equal(network.pos_embed, source.pos_embed[:, 1:])
    assert report.loaded + len(report.unexpected) == len(source.state_dict())


def test_stochastic_depth_rises_and_acts_on_attention_too() -> None:
    network = windowed(drop_path_rate=0.2)
    assert [layer.drop_path.drop_prob for layer in network.layers] == pytest.approx([0, 0.1, 0.2])
    block = windowed(drop_path_rate=0.9).layers[2]
    for parameter in block.parameters():
        nn.init.normal_(parameter)
    block.train()
    x = torch.randn(200, 2, 2, 32)
    same = (block(x) == x).flatten(1).all(1).float().mean()
    assert 0.7 < same < 0.9  # both branches dropped: 0.9 squared


def test_a_block_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match=r"global_blocks \[3\]"):
        windowed(global_blocks=(1, 3))


def test_depths_for_layer_decay() -> None:
    network = windowed()
    depth = {name: network.get_layer_depth(name)[0] for name, _ in network.named_parameters()}
    assert depth["pos_embed"] == depth["patch_embed.projection.weight"] == 0
    assert depth["layers.2.attn.rel_pos_h"] == depth["layers.2.ffn.layers.1.bias"] == 3
