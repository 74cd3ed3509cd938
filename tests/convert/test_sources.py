from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from mrcl_bench.convert import convert, sources  # noqa: E402
from mrcl_bench.errors import EXIT_USAGE, BenchError  # noqa: E402

ARCH = {"embed_dims": 16, "num_layers": 2, "num_heads": 2, "feedforward_channels": 32}
VIT = {"arch": ARCH, "img_size": 16, "patch_size": 4}
DECODER = {
    "num_patches": 16,
    "patch_size": 4,
    "embed_dim": 16,
    "decoder_embed_dim": 8,
    "decoder_depth": 1,
    "decoder_num_heads": 2,
}


def mlp(**kwargs: Any) -> dict[str, Any]:
    base = {"type": "NonLinearNeck", "in_channels": 16, "hid_channels": 8, "out_channels": 4}
    return {**base, "with_avg_pool": False, "num_layers": 2, **kwargs}


def mocov3() -> dict[str, Any]:
    loss = {"type": "CrossEntropyLoss"}
    return {
        "type": "MoCoV3",
        "backbone": {"type": "MoCoV3ViT", **VIT},
        "neck": mlp(),
        "head": {"type": "MoCoV3Head", "predictor": mlp(in_channels=4), "loss": loss},
    }


def mocov2() -> dict[str, Any]:
    return {
        "type": "MoCo",
        "queue_len": 8,
        "feat_dim": 4,
        "backbone": {"type": "ResNet", "depth": 18, "norm_cfg": {"type": "BN"}},
        "neck": {
            "type": "MoCoV2Neck",
            "in_channels": 512,
            "hid_channels": 8,
            "out_channels": 4,
            "with_avg_pool": True,
        },
        "head": {"type": "ContrastiveHead", "loss": {"type": "CrossEntropyLoss"}},
    }


def simclr() -> dict[str, Any]:
    return {
        "type": "SimCLR",
        "backbone": {"type": "ResNet", "depth": 18, "norm_cfg": {"type": "BN"}},
        "neck": mlp(in_channels=512, with_avg_pool=True),
        "head": {"type": "ContrastiveHead", "loss": {"type": "CrossEntropyLoss"}},
    }


def mae() -> dict[str, Any]:
    return {
        "type": "MAE",
        "backbone": {"type": "MAEViT", **VIT},
        "neck": {"type": "MAEPretrainDecoder", **DECODER},
        "head": {
            "type": "MAEPretrainHead",
            "patch_size": 4,
            "loss": {"type": "PixelReconstructionLoss", "criterion": "L2"},
        },
    }


def classifier() -> dict[str, Any]:
    return {
        "type": "ImageClassifier",
        "backbone": {"type": "VisionTransformer", **VIT},
        "head": {"type": "VisionTransformerClsHead", "num_classes": 3, "in_channels": 16},
    }


def mrcl() -> dict[str, Any]:
    return {
        **mae(),
        "type": "MRCL",
        "backbone": {"type": "MaskedViT", **VIT},
        "neck": mlp(),
        "predictor": mlp(in_channels=4),
        "decoder": {"type": "MAEPretrainDecoder", **DECODER},
    }


def build(config: dict[str, Any]) -> Any:
    pytest.importorskip("mmpretrain")
    from mmengine.registry import init_default_scope
    from mmpretrain.registry import MODELS

    import mrcl_bench.models  # noqa: F401  registers MRCL

    init_default_scope("mmpretrain")
    torch.manual_seed(0)
    model = MODELS.build(config)
    model.init_weights()
    return model


def plain_backbone(like: Any) -> Any:
    from mmpretrain.models import ResNet, VisionTransformer

    return ResNet(depth=18) if isinstance(like, ResNet) else VisionTransformer(**VIT)


CASES = {
    "simclr": (simclr, "mmpretrain", {"neck"}),
    "mocov2": (mocov2, "mmpretrain", {"neck", "momentum", "other"}),
    "mocov3": (mocov3, "mmpretrain", {"neck", "head", "momentum"}),
    "mae": (mae, "mmpretrain", {"neck"}),
    "classifier": (classifier, "mmpretrain", {"head"}),
    "mrcl": (mrcl, "mrcl", {"neck", "head", "momentum"}),
}


@pytest.mark.parametrize("name", CASES)
def test_every_backbone_key_is_placed_exactly_once(name: str) -> None:
    config, source, kinds = CASES[name]
    model = build(config())
    state = model.state_dict()
    result = convert(source, state)
    expected = model.backbone.state_dict()
    assert result.backbone.keys() == expected.keys()
    assert all(torch.equal(result.backbone[key], expected[key]) for key in expected)
    assert kinds <= result.dropped.keys() <= kinds | {"data_preprocessor"}
    dropped = [key for keys in result.dropped.values() for key in keys]
    used = [f"backbone.{key}" for key in result.backbone]
    assert sorted(dropped + used) == sorted(state)
    plain_backbone(model.backbone).load_state_dict(result.backbone, strict=True)


@pytest.mark.parametrize("name", ["mocov2", "mocov3", "mrcl"])
def test_the_momentum_encoder_can_be_chosen(name: str) -> None:
    config, source, kinds = CASES[name]
    model = build(config())
    average = model.encoder_k if name == "mocov2" else model.momentum_encoder
    with torch.no_grad():
        for parameter in average.parameters():
            parameter.add_(1)
    state = model.state_dict()
    result = convert(source, state, "momentum")
    expected = average.module[0].state_dict()
    assert result.backbone.keys() == expected.keys()
    assert all(torch.equal(result.backbone[key], expected[key]) for key in expected)
    assert "online" in result.dropped
    dropped = sum(len(keys) for keys in result.dropped.values())
    assert dropped + len(result.backbone) == len(state)
    plain_backbone(model.backbone).load_state_dict(result.backbone, strict=True)


def tensors(*keys: str) -> dict[str, Any]:
    return {key: torch.zeros(1) for key in keys}


def test_without_a_prefix_it_says_what_is_there() -> None:
    with pytest.raises(BenchError) as caught:
        convert("mmpretrain", tensors("conv1.weight", "layer1.0.a", "layer1.0.b", "fc"))
    assert "layer1. (2), conv1. (1), fc (1)" in caught.value.what
    assert "mmpretrain, mmseg, moco, mocov3, mrcl" in caught.value.cure


def test_it_names_the_source_that_would_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from mrcl_bench import convert as package

    known = {**package.sources(), "plain": lambda state, which: package.Conversion(dict(state))}
    monkeypatch.setattr(package, "sources", lambda: known)
    with pytest.raises(BenchError, match="Did you mean --from plain"):
        convert("mmpretrain", tensors("conv1.weight"))


def test_a_run_without_an_average_has_no_momentum_encoder() -> None:
    for source in ("mmpretrain", "mrcl"):
        with pytest.raises(BenchError, match="no backbone"):
            convert(source, tensors("backbone.a", "neck.a"), "momentum")


@pytest.mark.parametrize("source", ["mmpretrain", "mrcl"])
def test_unclassified_leftovers_are_an_error(source: str) -> None:
    state = tensors("backbone.a", "neck.b", "rotation.weight")
    with pytest.raises(BenchError, match="rotation.weight") as caught:
        convert(source, state)
    assert caught.value.cure


def test_known_kinds_of_mmpretrain() -> None:
    state = tensors("backbone.a", "backbone_m.a", "ema_model.b", "backbone.mask_token", "queue2")
    result = convert("mmpretrain", state)
    assert list(result.backbone) == ["a"]
    assert result.dropped == {
        "momentum": ["backbone_m.a", "ema_model.b"],
        "other": ["backbone.mask_token", "queue2"],
    }


def test_unknown_source() -> None:
    with pytest.raises(BenchError, match="mean mmpretrain") as caught:
        convert("mmpretain", {})
    assert caught.value.exit_code == EXIT_USAGE


def test_sources_are_found_by_listing_modules() -> None:
    assert {"mmpretrain", "mrcl"} <= sources().keys()
    assert "manifest" not in sources()
