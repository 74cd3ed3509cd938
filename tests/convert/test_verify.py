from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("mmseg")

from mrcl_bench.convert import verify  # noqa: E402
from mrcl_bench.convert._architecture import Architecture  # noqa: E402
from mrcl_bench.convert._layout import Conversion  # noqa: E402
from mrcl_bench.convert.dialects import dialects  # noqa: E402
from mrcl_bench.convert.verify import prove  # noqa: E402
from mrcl_bench.errors import BenchError  # noqa: E402

from . import networks  # noqa: E402

VIT = networks.architecture(networks.VIT)
RICH = networks.architecture(networks.VIT, layer_scale=True)
RESNET = networks.architecture(networks.RESNET18)


def pair(network: Architecture, source: str, target: str) -> tuple[Conversion, dict[str, Any]]:
    common = networks.weights(network)
    known = dialects()
    conversion = Conversion(known[source].from_common(common, network), dialect=source)
    return conversion, known[target].from_common(common, network)


def spoilt(weights: dict[str, Any], key: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every way to spoil one key, where it changes anything."""
    value = weights[key]
    others = {name: other for name, other in weights.items() if name != key}
    yield "renamed", {**others, f"{key}x": value}
    yield "renamed away", {**others, f"x.{key}": value}
    yield "dropped", others
    yield "zeroed", {**weights, key: torch.zeros_like(value)}
    if value.ndim > 1:
        yield "transposed", {**weights, key: value.transpose(-1, -2).contiguous()}
    if value.ndim == 4:
        yield "in and out transposed", {**weights, key: value.transpose(0, 1).contiguous()}
    for name, other in others.items():
        if other.shape == value.shape and not torch.equal(other, value):
            yield f"swapped with {name}", {**weights, key: other, name: value}
            break
    if value.is_floating_point():
        nudged = value.clone()
        nudged.view(-1)[-1] += 1
        yield "nudged", {**weights, key: nudged}


def changes(weights: dict[str, Any], key: str, way: str, spoiled: dict[str, Any]) -> bool:
    """A 1 x 1 kernel is its own transpose, for one."""
    return key not in spoiled or not torch.equal(spoiled[key], weights[key])


@pytest.mark.parametrize(
    ("network", "source", "target"),
    [(VIT, "timm", "mmseg"), (RICH, "mmpretrain", "mmpretrain"), (RESNET, "torchvision", "mmdet")],
    ids=["vit", "layer-scale", "resnet"],
)
def test_any_spoilt_key_is_noticed(network: Architecture, source: str, target: str) -> None:
    conversion, weights = pair(network, source, target)
    prove(conversion, target, weights, network)
    conversion = Conversion(dict(conversion.backbone), dialect=source)
    for key in weights:
        for way, spoiled in spoilt(weights, key):
            if changes(weights, key, way, spoiled):
                with pytest.raises(BenchError) as caught:
                    prove(conversion, target, spoiled, network)
                assert caught.value.cure, f"{key} {way}"


@pytest.mark.parametrize(
    ("network", "source", "target"),
    [(VIT, "timm", "mmseg"), (RICH, "timm", "mmpretrain")],
    ids=["vit", "layer-scale"],
)
def test_the_features_alone_notice_any_spoilt_key(
    network: Architecture, source: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "_same_weights", lambda *_: None)
    conversion, weights = pair(network, source, target)
    prove(conversion, target, weights, network)
    for key in weights:
        for way, spoiled in spoilt(weights, key):
            if changes(weights, key, way, spoiled):
                with pytest.raises(BenchError):
                    prove(conversion, target, spoiled, network)
                    pytest.fail(f"{key} {way}: unseen")


RESNET_KEYS = [
    "conv1.weight",
    "bn1.running_mean",
    "layer1.0.bn1.bias",
    "layer2.0.downsample.0.weight",
    "layer2.0.downsample.1.running_var",
    "layer3.1.bn2.weight",
    "layer4.1.conv2.weight",
    "layer4.1.bn2.bias",
]


@pytest.mark.parametrize("key", RESNET_KEYS)
def test_the_features_alone_notice_it_in_a_resnet(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "_same_weights", lambda *_: None)
    conversion, weights = pair(RESNET, "torchvision", "mmdet")
    for way, spoiled in spoilt(weights, key):
        if changes(weights, key, way, spoiled):
            with pytest.raises(BenchError):
                prove(conversion, "mmdet", spoiled, RESNET)
                pytest.fail(f"{key} {way}: unseen")


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (0.0, "all of 'blocks.0.mlp.fc1.weight' is 0"),
        (0.25, "is 0.25"),
        (float("nan"), "NaN"),
        (float("inf"), "infinite"),
    ],
)
def test_broken_sources_are_refused(value: float, fault: str) -> None:
    conversion, _ = pair(VIT, "timm", "mmseg")
    key = "blocks.0.mlp.fc1.weight"
    conversion.backbone[key] = torch.full_like(conversion.backbone[key], value)
    weights = dialects()["mmseg"].from_common(
        dialects()["timm"].to_common(conversion.backbone), VIT
    )
    with pytest.raises(BenchError, match=fault):
        prove(conversion, "mmseg", weights, VIT)


def test_integers_are_refused() -> None:
    common = networks.weights(VIT)
    common["ln1.weight"] = torch.ones(24, dtype=torch.int8)
    weights = dialects()["mmseg"].from_common(common, VIT)
    with pytest.raises(BenchError, match="int8") as caught:
        prove(Conversion(common), "mmseg", weights, VIT)
    assert "unquantised" in caught.value.cure


def test_constant_positions_and_tokens_are_no_fault() -> None:
    common = networks.weights(VIT)
    common["cls_token"] = torch.zeros_like(common["cls_token"])
    common["pos_embed"] = torch.zeros_like(common["pos_embed"])
    weights = dialects()["mmseg"].from_common(common, VIT)
    proof = prove(Conversion(common), "mmseg", weights, VIT)
    assert proof.by.keys() == {"tokens", "cls", "timm tokens", "timm cls"}
    assert dialects()["mmseg"].to_common(weights).keys() == common.keys()


@pytest.mark.parametrize("norm", ["ln1", "layers.1.ln1"])
def test_features_that_prove_nothing(norm: str) -> None:
    """A norm with weight 0 leaves no trace of the image, or of a branch."""
    common = networks.weights(VIT)
    common[f"{norm}.weight"] = torch.zeros(24)
    if norm == "ln1":
        with pytest.raises(BenchError, match="same for every image.*prove nothing"):
            prove(Conversion(common), "mmpretrain", common, VIT)
    else:
        prove(Conversion(common), "mmpretrain", common, VIT)


def test_half_precision_is_proved_in_single() -> None:
    for kind in (torch.half, torch.bfloat16):
        common = {key: value.to(kind) for key, value in networks.weights(VIT).items()}
        weights = dialects()["mmseg"].from_common(common, VIT)
        assert {value.dtype for value in weights.values()} == {kind}
        assert prove(Conversion(common), "mmseg", weights, VIT).largest_relative < 1e-5


def test_a_proof_is_the_same_in_every_run() -> None:
    torch.manual_seed(0)
    conversion, weights = pair(VIT, "timm", "mmseg")
    one = prove(conversion, "mmseg", weights, VIT)
    torch.manual_seed(1)
    assert prove(conversion, "mmseg", weights, VIT) == one
    assert one.images == 2
    assert (one.source_network, one.target_network) == (
        "timm VisionTransformer",
        "mmseg VisionTransformer",
    )
    assert one.largest_relative == max(one.by.values())


def test_the_weights_are_left_alone() -> None:
    conversion, weights = pair(RESNET, "torchvision", "mmdet")
    before = {key: value.clone() for key, value in weights.items()}
    prove(conversion, "mmdet", weights, RESNET)
    assert all(torch.equal(weights[key], before[key]) for key in before)


def test_another_network_fails_by_its_features(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tables might be wrong both ways alike; then only the features tell."""
    common = networks.weights(VIT)
    wrong = dict(common)
    for part in ("weight", "bias"):
        one, other = f"layers.0.ln1.{part}", f"layers.0.ln2.{part}"
        wrong[one], wrong[other] = common[other], common[one]
    monkeypatch.setattr(verify, "_same_weights", lambda *_: None)
    with pytest.raises(BenchError, match="another network: '.*differs by") as caught:
        prove(Conversion(common), "mmseg", dialects()["mmseg"].from_common(wrong, VIT), VIT)
    assert "defect of mrcl-bench" in caught.value.cure
