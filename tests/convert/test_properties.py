"""Conversions of networks that nobody listed: every key placed once, features equal."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("mmseg")
hypothesis = pytest.importorskip("hypothesis")

from hypothesis import HealthCheck, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from mrcl_bench.convert._architecture import read_architecture  # noqa: E402
from mrcl_bench.convert._layout import Conversion  # noqa: E402
from mrcl_bench.convert.dialects import dialects  # noqa: E402
from mrcl_bench.convert.verify import prove  # noqa: E402
from mrcl_bench.errors import BenchError  # noqa: E402

from . import networks  # noqa: E402

NAMES = ("timm", "torchvision", "mmpretrain", "mmdet", "mmseg", "mmseg_stock")
QUIET = settings(
    deadline=None,
    max_examples=40,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@st.composite
def vits(draw: st.DrawFn) -> dict[str, Any]:
    """Plans of ViTs of any make."""
    heads, size = draw(st.integers(1, 3)), draw(st.sampled_from([4, 8, 10]))
    width, depth = heads * size, draw(st.integers(1, 3))
    patch, side = draw(st.sampled_from([2, 4, 5])), draw(st.integers(2, 4))
    cls_token, registers = draw(st.booleans()), draw(st.sampled_from([0, 0, 1, 4]))
    prefix = int(cls_token) + registers
    return {
        "label": f"vit-{width}x{depth}-p{patch}",
        "type": "vit",
        "embed_dims": width,
        "depth": depth,
        "patch": patch,
        "img_size": patch * side,
        "num_heads": heads,
        "mlp_dims": draw(st.sampled_from([width, 4 * width, width + 3])),
        "cls_token": cls_token,
        "register_tokens": registers,
        "prefix_positions": draw(st.sampled_from(sorted({0, int(cls_token), prefix}))),
        "qkv_bias": draw(st.booleans()),
        "patch_bias": draw(st.booleans()),
        "layer_scale": draw(st.booleans()),
        "final_norm": draw(st.sampled_from(["tokens", "pooled", "both", "none"])),
        "pre_norm": draw(st.booleans()),
        "norm_eps": draw(st.sampled_from([1e-12, 1e-6, 1e-5])),
        "activation": draw(st.sampled_from(["gelu", "gelu_tanh", "quick_gelu"])),
    }


@QUIET
@given(vits(), st.sampled_from(NAMES), st.sampled_from(NAMES), st.integers(0, 99))
def test_any_vit_between_any_two_libraries(
    plan: dict[str, Any], here: str, there: str, seed: int
) -> None:
    network = networks.architecture(networks.VIT, **plan)
    traits = networks.traits(network)
    common = networks.weights(network, seed)
    assert read_architecture(common, traits) == network
    source, target = dialects()[here], dialects()[there]
    try:
        weights = source.from_common(common, network)
        seen = source.to_common(weights)
        read = read_architecture(seen, traits)
        converted = target.from_common(seen, read)
    except BenchError as error:
        assert "has no network with" in error.what
        return
    assert converted.keys() == target.network(read).state_dict().keys()
    proof = prove(Conversion(weights, dialect=here), there, converted, read)
    assert proof.largest_relative < 1e-4
    back = target.to_common(converted)
    exact = {"pos_embed", "patch_embed.projection.bias"} if there == "mmseg_stock" else set()
    left_out = {key for key in seen if key.startswith("ln2.")} - back.keys()
    assert not left_out or there in ("mmdet", "mmseg", "mmseg_stock")
    for key in seen.keys() - exact - left_out:
        assert torch.equal(back[key], seen[key]), key
    assert back.keys() <= seen.keys()


@settings(QUIET, max_examples=12)
@given(
    st.sampled_from([18, 34, 50]),
    st.sampled_from(["pytorch", "caffe"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from([64, 128]),
    st.booleans(),
    st.sampled_from(NAMES),
    st.sampled_from(NAMES),
)
def test_any_resnet_between_any_two_libraries(
    depth: int,
    style: str,
    deep_stem: bool,
    avg_down: bool,
    width: int,
    counters: bool,
    here: str,
    there: str,
) -> None:
    base = networks.RESNET50 if depth == 50 else networks.RESNET18
    width = width if depth == 50 else 64
    label = f"resnet-{depth}" if width == 64 else f"wide-resnet-{depth}-2"
    network = networks.architecture(
        base,
        depth=depth,
        label=label,
        style=style,
        deep_stem=deep_stem,
        avg_down=avg_down,
        base_width=width,
    )
    common = networks.weights(network)
    if not counters:
        common = {key: value for key, value in common.items() if "tracked" not in key}
    assert read_architecture(common, {"style": style}) == network
    source, target = dialects()[here], dialects()[there]
    try:
        weights = source.from_common(common, network)
        converted = target.from_common(source.to_common(weights), network)
    except BenchError as error:
        assert "has no network with" in error.what
        return
    names = {k for k in target.network(network).state_dict() if counters or "tracked" not in k}
    assert converted.keys() == names
    back = target.to_common(converted)
    assert back.keys() == common.keys()
    assert all(torch.equal(back[key], common[key]) for key in common)
    prove(Conversion(weights, dialect=here), there, converted, network)
