"""Small models that every test here builds on."""

from copy import deepcopy
from importlib.util import find_spec

import pytest

if not all(find_spec(name) for name in ("torch", "mmcv", "mmengine", "mmpretrain")):
    collect_ignore_glob = ["test_*.py"]

ARCH = dict(embed_dims=32, num_layers=2, num_heads=2, feedforward_channels=64)


def mlp(width_in, width_out):
    return dict(
        type="NonLinearNeck",
        in_channels=width_in,
        hid_channels=32,
        out_channels=width_out,
        with_last_bn_affine=False,
        with_avg_pool=False,
        norm_cfg=dict(type="BN1d"),
    )


def head(patch):
    return dict(
        type="MAEPretrainHead",
        norm_pix=True,
        patch_size=patch,
        loss=dict(type="PixelReconstructionLoss", criterion="L2"),
    )


VIT = dict(
    type="MRCL",
    backbone=dict(type="MaskedViT", arch=ARCH, img_size=24, patch_size=4),
    neck=mlp(32, 16),
    predictor=mlp(16, 16),
    decoder=dict(
        type="MAEPretrainDecoder",
        num_patches=36,
        patch_size=4,
        embed_dim=32,
        decoder_embed_dim=16,
        decoder_depth=1,
        decoder_num_heads=2,
    ),
    head=head(4),
)
RESNET = dict(
    type="MRCL",
    backbone=dict(type="ResNet", depth=18, stem_channels=8, base_channels=8),
    neck=mlp(64, 16),
    predictor=mlp(16, 16),
    decoder=dict(type="UpsampleDecoder", in_channels=64, width=16),
    head=head(16),
    mask_cell=16,
)


@pytest.fixture(scope="package", autouse=True)
def one_thread():
    """Models this small only lose time to a thread pool."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def build():
    """Builds MRCL on a small ViT or ResNet, with overrides, in a run of 100 iterations."""
    import torch
    from mmengine.logging import MessageHub
    from mmpretrain.registry import MODELS

    import mrcl_bench.models  # noqa: F401

    MessageHub.get_current_instance().update_info("max_iters", 100)

    def _build(base=None, **overrides):
        torch.manual_seed(0)
        model = MODELS.build(deepcopy((base or VIT) | overrides))
        model.init_weights()
        return model

    return _build


@pytest.fixture
def views():
    """Two noisy views of 12 smooth images, each (12, 3, 24, 24)."""
    import torch
    from torch.nn import functional

    torch.manual_seed(1)
    image = functional.interpolate(torch.randn(12, 3, 3, 3), size=24, mode="bicubic")
    return [image + 0.1 * torch.randn_like(image) for _ in range(2)]
