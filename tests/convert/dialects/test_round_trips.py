from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("mmseg")

from mrcl_bench.convert._architecture import read_architecture  # noqa: E402
from mrcl_bench.convert._layout import Conversion  # noqa: E402
from mrcl_bench.convert.dialects import dialects  # noqa: E402
from mrcl_bench.convert.verify import prove  # noqa: E402
from mrcl_bench.errors import BenchError  # noqa: E402

from .. import networks  # noqa: E402

BARE = {"cls_token": False, "prefix_positions": 0}
CASES: dict[str, tuple[dict[str, Any], set[str]]] = {
    # what differs from the usual ViT, and whose networks lack it
    "plain": ({}, set()),
    "no class token": (BARE, {"torchvision"}),
    "registers": ({"register_tokens": 4, "prefix_positions": 5}, {"mm", "torchvision"}),
    "registers without positions": (
        {"register_tokens": 4, "prefix_positions": 0},
        {"mm", "torchvision"},
    ),
    "registers after the positions": (
        {"register_tokens": 4, "prefix_positions": 1},
        {"mm", "torchvision"},
    ),
    "class token without position": ({"prefix_positions": 0}, set()),
    "no qkv bias": ({"qkv_bias": False}, set()),
    "no patch bias": ({"patch_bias": False}, set()),
    "layer scale": ({"layer_scale": True}, {"mmseg", "torchvision"}),
    "norm after pooling": ({"final_norm": "pooled"}, {"torchvision"}),
    "two norms": ({"final_norm": "both"}, {"timm", "torchvision"}),
    "no final norm": ({"final_norm": "none"}, {"torchvision"}),
    "clip": (
        {"pre_norm": True, "patch_bias": False, "activation": "quick_gelu"},
        {"torchvision"},
    ),
    "norm before the layers": ({"pre_norm": True}, {"timm", "torchvision"}),
    "narrow mlp": ({"mlp_dims": 40}, {"mmseg"}),
    "epsilon": ({"norm_eps": 1e-3}, set()),
    "nothing but the layers": (
        {**BARE, "qkv_bias": False, "patch_bias": False, "final_norm": "none"},
        {"torchvision"},
    ),
}
NAMES = ("timm", "torchvision", "mmpretrain", "mmdet", "mmseg")
MM = {"mmpretrain", "mmdet", "mmseg"}


def lacking(case: str) -> set[str]:
    lacks = CASES[case][1]
    return lacks | (MM if "mm" in lacks else set())


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    bits = all(torch.equal(one[k], other[k]) for k in one.keys() & other.keys())
    return one.keys() == other.keys() and bits


def through(weights: dict[str, Any], traits: dict[str, Any], *way: str) -> dict[str, Any]:
    """Takes weights of the first dialect through the others, as files: nothing but names passes."""
    known = dialects()
    for here, there in zip(way, way[1:], strict=False):
        common = known[here].to_common(weights)
        weights = known[there].from_common(common, read_architecture(common, traits))
    return weights


@pytest.mark.parametrize("case", CASES)
def test_vits_there_and_back(case: str) -> None:
    """Every pair of libraries: the same bits come back, the networks are proved to be the same."""
    network = networks.architecture(networks.VIT, **CASES[case][0])
    traits = networks.traits(network)
    common = networks.weights(network)
    known = dialects()
    having = [name for name in NAMES if name not in lacking(case)]
    for name in lacking(case) - {"mm"}:
        with pytest.raises(BenchError, match="has no network with") as caught:
            known[name].from_common(common, network)
        assert "--to" in caught.value.cure
        assert known[name].backbone_config(network) is None
    for here in having:
        weights = known[here].from_common(common, network)
        seen = read_architecture(known[here].to_common(weights), traits)
        if network.final_norm not in ("pooled", "both") or here in ("timm", "mmpretrain"):
            assert seen == network
        for there in having:
            converted = through(weights, traits, here, there)
            proof = prove(Conversion(weights, dialect=here), there, converted, seen)
            assert proof.largest_relative < 1e-5
            assert set(proof.by) >= ({"tokens", "cls"} if network.cls_token else {"tokens"})
            dense = {here, there} & {"mmdet", "mmseg"} and network.final_norm in ("pooled", "both")
            if not dense:
                assert same(through(weights, traits, here, there, here), weights)


@pytest.mark.parametrize(
    ("way", "case"),
    [
        (("timm", "mmpretrain", "mmseg", "timm"), "plain"),
        (("timm", "mmpretrain", "mmseg", "timm"), "no class token"),
        (("timm", "mmpretrain", "mmseg", "timm"), "no qkv bias"),
        (("timm", "mmpretrain", "mmseg", "timm"), "class token without position"),
        (("timm", "mmpretrain", "torchvision", "mmseg", "mmdet", "timm"), "plain"),
    ],
)
def test_long_ways_of_a_vit(way: tuple[str, ...], case: str) -> None:
    network = networks.architecture(networks.VIT, **CASES[case][0])
    weights = dialects()["timm"].from_common(networks.weights(network), network)
    assert same(through(weights, networks.traits(network), *way), weights)


RESNETS: dict[str, tuple[dict[str, Any], dict[str, Any], set[str]]] = {
    "18": (networks.RESNET18, {}, set()),
    "50": (networks.RESNET50, {}, set()),
    "50-caffe": (networks.RESNET50, {"style": "caffe"}, {"timm", "torchvision"}),
    "18-d": (networks.RESNET18, {"deep_stem": True, "avg_down": True}, {"torchvision"}),
    "50-c": (networks.RESNET50, {"deep_stem": True}, {"torchvision"}),
    "wide": (networks.RESNET50, {"base_width": 128, "label": "wide-resnet-50-2"}, set()),
}


@pytest.mark.parametrize("case", RESNETS)
def test_resnets_there_and_back(case: str) -> None:
    base, changes, lacks = RESNETS[case]
    network = networks.architecture(base, **changes)
    traits = networks.traits(network)
    common = networks.weights(network)
    for name in NAMES:
        if name in lacks:
            with pytest.raises(BenchError, match="has no network with"):
                dialects()[name].from_common(common, network)
            continue
        weights = dialects()[name].from_common(common, network)
        assert read_architecture(dialects()[name].to_common(weights), traits) == network
        way = ["mmpretrain", "mmdet", "mmseg", *({"timm", "torchvision"} - lacks)]
        assert same(through(weights, traits, name, *way, name), weights)


@pytest.mark.parametrize(
    ("case", "here", "there", "by"),
    [
        ("18", "torchvision", "mmdet", "mmdet ResNet"),
        ("18", "mmpretrain", "mmpretrain", "timm ResNet"),
        ("18", "mmpretrain", "mmdet", "mmdet ResNet and timm ResNet"),
        ("18", "timm", "mmseg", "mmseg ResNet"),
        ("18-d", "timm", "mmpretrain", "mmpretrain ResNet"),
        ("18-d", "mmpretrain", "mmseg", "mmseg ResNet and timm ResNet"),
        ("50-c", "timm", "mmdet", "mmdet ResNet"),
        ("50-caffe", "mmdet", "mmpretrain", "mmpretrain ResNet and torchvision ResNet"),
        ("50-caffe", "torchvision", "mmdet", "mmdet ResNet"),
        ("wide", "torchvision", "mmpretrain", "mmpretrain ResNet"),
    ],
)
def test_resnets_are_proved(case: str, here: str, there: str, by: str) -> None:
    base, changes, _ = RESNETS[case]
    network = networks.architecture(base, **changes)
    common = networks.weights(network)
    caffe = here == "torchvision" and network.style == "caffe"  # a source only, and by these names
    weights = common if caffe else dialects()[here].from_common(common, network)
    converted = dialects()[there].from_common(common, network)
    proof = prove(Conversion(weights, dialect=here), there, converted, network)
    assert proof.target_network == by
    assert {name.split()[-1] for name in proof.by} == {f"stage{n}" for n in (1, 2, 3, 4)}
    assert proof.largest_relative < 1e-5


def test_the_style_makes_another_network() -> None:
    """The stride is nowhere in the weights: a wrong style is a network of another function."""
    network = networks.architecture(networks.RESNET50)
    common = networks.weights(network)
    images = torch.randn(1, 3, 64, 64)
    from mrcl_bench.convert.verify import filled

    found = []
    for style in ("pytorch", "caffe"):
        styled = network.model_copy(update={"style": style})
        module = filled(dialects()["mmdet"], "mmdet", common, styled)
        with torch.no_grad():
            found.append(dialects()["mmdet"].features(module, images)["stage4"])
    assert not torch.allclose(*found, rtol=1e-2)


def test_old_batch_norms_without_counters() -> None:
    network = networks.architecture(networks.RESNET18)
    weights = {k: v for k, v in networks.weights(network).items() if "tracked" not in k}
    converted = through(weights, {}, "torchvision", "mmdet")
    assert same(through(converted, {}, "mmdet", "torchvision"), weights)
    prove(Conversion(weights, dialect="torchvision"), "mmdet", converted, network)


@pytest.mark.parametrize(
    ("dialect", "key", "reason"),
    [
        ("timm", "dist_token", "distillation"),
        ("timm", "attn_pool.latent", "attention pooling"),
        ("timm", "blocks.0.attn.q_norm.weight", "norm of query"),
        ("timm", "blocks.0.mlp.w12.weight", "SwiGLU"),
        ("timm", "rel_pos.bias", "relative position"),
        ("timm", "head.weight", "no names of a timm backbone: head.weight"),
        ("torchvision", "conv_proj.conv_bn_relu_0.0.weight", "convolutional stem"),
        ("mmseg", "layers.0.attn.relative_position_bias_table", "relative position"),
    ],
)
def test_what_cannot_be_converted_is_named(dialect: str, key: str, reason: str) -> None:
    network = networks.architecture(networks.VIT)
    weights = dialects()[dialect].from_common(networks.weights(network), network)
    with pytest.raises(BenchError, match=reason):
        dialects()[dialect].to_common({**weights, key: torch.ones(1)})


def test_dialects_are_found() -> None:
    assert set(NAMES) | {"mmseg_stock"} == set(dialects())
    assert all(dialect.DESCRIBES for dialect in dialects().values())


def test_the_docs_list_every_dialect() -> None:
    text = (Path(__file__).parents[3] / "docs/convert.md").read_text()
    table = text.partition("| `--to` | whose names |\n|---|---|\n")[2].partition("\n\n")[0]
    assert table.split("\n") == [f"| `{name}` | {d.DESCRIBES} |" for name, d in dialects().items()]
