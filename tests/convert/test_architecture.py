from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from mrcl_bench.convert._architecture import Architecture, read_architecture  # noqa: E402
from mrcl_bench.convert.dialects import dialects  # noqa: E402
from mrcl_bench.convert.dialects._expected import expected  # noqa: E402
from mrcl_bench.convert.dialects._hollow import hollow  # noqa: E402
from mrcl_bench.errors import BenchError  # noqa: E402

from . import networks  # noqa: E402

# name in timm, label, and what is read off besides the usual
TIMM: list[tuple[str, str, dict[str, Any]]] = [
    ("vit_tiny_patch16_224", "vit-192x12-p16", {"num_heads": 3, "mlp_dims": 768}),
    ("vit_small_patch8_224", "vit-384x12-p8", {"num_heads": 6, "img_size": 224}),
    ("vit_base_patch16_224", "vit-768x12-p16", {"num_heads": 12, "layer_scale": False}),
    ("vit_base_patch16_384", "vit-768x12-p16", {"img_size": 384}),
    ("vit_large_patch16_224", "vit-1024x24-p16", {"num_heads": 16}),
    ("vit_huge_patch14_224", "vit-1280x32-p14", {"num_heads": 16}),
    ("vit_base_patch16_clip_224", "vit-768x12-p16", {"pre_norm": True, "patch_bias": False}),
    ("vit_small_patch14_dinov2", "vit-384x12-p14", {"layer_scale": True, "img_size": 518}),
    ("vit_base_patch14_reg4_dinov2", "vit-768x12-p14", {"register_tokens": 4}),
    ("deit3_small_patch16_224", "vit-384x12-p16", {"prefix_positions": 0}),
    ("resnet18", "resnet-18", {"block": "basic"}),
    ("resnet34", "resnet-34", {"embed_dims": 512}),
    ("resnet50", "resnet-50", {"block": "bottleneck"}),
    ("resnet101", "resnet-101", {}),
    ("resnet152", "resnet-152", {"embed_dims": 2048}),
    ("resnet50d", "resnet-50", {"deep_stem": True, "avg_down": True}),
    ("wide_resnet50_2", "wide-resnet-50-2", {"base_width": 128}),
    ("wide_resnet101_2", "wide-resnet-101-2", {}),
]


@pytest.mark.parametrize(("name", "label", "said"), TIMM)
def test_published_networks_are_read_and_rebuilt(
    name: str, label: str, said: dict[str, Any]
) -> None:
    timm = pytest.importorskip("timm")
    with hollow():
        model = timm.create_model(name, num_classes=0)
    state = model.state_dict()
    dialect = dialects()["timm"]
    common = dialect.to_common(state)
    found = read_architecture(common)
    assert found.label == label
    assert {key: getattr(found, key) for key in said} == said
    counters = {key for key in common if key.endswith("num_batches_tracked")}
    assert {key: tuple(common[key].shape) for key in common.keys() - counters} == expected(found)
    rebuilt = dialect.network(found).state_dict()
    assert {k: v.shape for k, v in rebuilt.items()} == {k: v.shape for k, v in state.items()}


def test_a_norm_after_pooling_and_no_class_token() -> None:
    timm = pytest.importorskip("timm")
    with hollow():
        model = timm.models.VisionTransformer(
            img_size=16,
            patch_size=4,
            embed_dim=64,
            depth=2,
            num_heads=2,
            global_pool="avg",
            class_token=False,
        )
    state = {key: value for key, value in model.state_dict().items() if "head" not in key}
    found = read_architecture(dialects()["timm"].to_common(state))
    assert (found.final_norm, found.cls_token, found.prefix_positions) == ("pooled", False, 0)


def test_heads_come_from_traits_then_from_the_width() -> None:
    def heads(width: int, **traits: Any) -> int | None:
        network = networks.architecture(networks.VIT, embed_dims=width)
        weights = {k: torch.empty(s, device="meta") for k, s in expected(network).items()}
        return read_architecture(weights, traits).num_heads

    assert [heads(width) for width in (128, 192, 384, 768, 512)] == [4, 3, 6, 12, 8]
    assert heads(768, num_heads=8) == 8
    assert heads(768, num_heads=None) == 12
    assert heads(24) is None


def test_unknown_heads_are_asked_for() -> None:
    for heads, fault in ((None, "no usual number"), (7, "do not divide")):
        network = networks.architecture(networks.VIT, num_heads=heads)
        with pytest.raises(BenchError, match=fault) as caught:
            dialects()["timm"].network(network)
        assert "--heads" in caught.value.cure
        assert dialects()["mmpretrain"].backbone_config(network) is None


def test_traits_are_checked() -> None:
    weights = networks.weights(networks.architecture(networks.VIT))
    with pytest.raises(BenchError, match="unknown traits.*colour"):
        read_architecture(weights, {"colour": 1})
    with pytest.raises(BenchError, match="activation cannot be 'swish'"):
        read_architecture(weights, {"activation": "swish"})
    assert read_architecture(weights, {"norm_eps": 1e-12}).norm_eps == 1e-12


def test_a_resnext_is_none_of_them() -> None:
    torchvision = pytest.importorskip("torchvision")
    with hollow():
        state = torchvision.models.resnext50_32x4d().state_dict()
    found = read_architecture(state)
    assert (found.type, found.label) == ("other", "resnext-50")


def test_the_old_fields_suffice() -> None:
    old = {"label": "vit-192x6-p8", "type": "vit", "embed_dims": 192, "depth": 6, "patch": 8}
    assert Architecture(**old, img_size=64).final_norm == "tokens"
