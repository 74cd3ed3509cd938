"""A weights file through the whole conversion, and what its manifest says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("timm")
pytest.importorskip("mmpretrain")

from mrcl_bench.checkpoint import load_state_dict, state_dict_sha256  # noqa: E402
from mrcl_bench.convert.file import Given, convert_file  # noqa: E402
from mrcl_bench.convert.manifest import Manifest, read_manifest  # noqa: E402
from mrcl_bench.errors import EXIT_USAGE, BenchError  # noqa: E402

from .. import nets  # noqa: E402

TARGETS = ("mmpretrain", "mmdet", "mmseg", "torchvision", "timm")


def run(raw: Path, out: Path, **options: Any) -> Manifest:
    return convert_file(raw, out, recipe="r", algorithm="a", **options)


@pytest.fixture
def resnet(tmp_path: Path) -> Path:
    return nets.save(tmp_path / "in/r18.pth", nets.resnet18())


@pytest.fixture
def vit(tmp_path: Path) -> Path:
    return nets.save(tmp_path / "in/vit.safetensors", nets.vit128())


@pytest.mark.parametrize("target", TARGETS)
def test_a_resnet_to_every_target(resnet: Path, tmp_path: Path, target: str) -> None:
    manifest = run(resnet, tmp_path / "out", target=target)
    assert read_manifest(tmp_path / "out") == manifest
    assert (manifest.source_format, manifest.target) == ("torchvision", target)
    assert manifest.keys.loaded == 120
    assert sum(manifest.keys.dropped.values()) == 2
    assert manifest.architecture.label == "resnet-18"
    assert manifest.proof is not None
    assert manifest.proof.largest_relative < 1e-4
    assert (manifest.backbone_config is not None) == target.startswith("mm")
    weights = load_state_dict(tmp_path / "out/backbone.pth")
    assert state_dict_sha256(weights) == manifest.weights_sha256


@pytest.mark.parametrize("target", ["mmpretrain", "mmseg", "timm"])
def test_a_vit_to_the_targets_that_have_one(vit: Path, tmp_path: Path, target: str) -> None:
    manifest = run(vit, tmp_path / "out", target=target, given=Given(heads=4))
    assert manifest.source_format == "timm"
    assert manifest.architecture.num_heads == 4
    assert manifest.architecture.img_size == 48
    assert manifest.proof is not None
    assert "num_heads" not in manifest.assumed
    assert manifest.asked == {"encoder": "online", "heads": 4}


def test_round_trip_through_files_is_bit_identical(vit: Path, tmp_path: Path) -> None:
    first = vit
    told = Given(heads=4)
    for target in ("mmpretrain", "mmseg", "timm"):
        out = tmp_path / f"{target}.safetensors"
        run(first, out, target=target, given=told)
        first = out
    before = {k: v for k, v in load_state_dict(vit).items() if not k.startswith("head.")}
    assert state_dict_sha256(load_state_dict(first)) == state_dict_sha256(before)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_file_holds_just_the_weights(resnet: Path, tmp_path: Path, suffix: str) -> None:
    import torch
    import torchvision

    out = tmp_path / f"w{suffix}"
    manifest = run(resnet, out, target="torchvision")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ["in", out.name, "w.manifest.json"]
    )
    stored = json.loads((tmp_path / "w.manifest.json").read_text())
    assert Manifest.model_validate(stored) == manifest
    assert manifest.weights_file == out.name
    if suffix == ".pth":
        weights = torch.load(out, weights_only=True)
    else:
        from safetensors.torch import load_file

        weights = load_file(out)
    network = torchvision.models.resnet18()
    missing, unexpected = network.load_state_dict(weights, strict=False)
    assert (set(missing), unexpected) == ({"fc.weight", "fc.bias"}, [])
    again = run(resnet, tmp_path / f"again{suffix}", target="torchvision")
    assert again.file_sha256 == manifest.file_sha256


def test_views_and_ties_are_written_apart(tmp_path: Path) -> None:
    state = nets.resnet18()
    state["layer1.0.bn2.weight"] = state["layer1.0.bn1.weight"]
    raw = nets.save(tmp_path / "in/tied.pth", state)
    out = tmp_path / "w.safetensors"
    run(raw, out, target="torchvision", verify=False)
    assert out.stat().st_size < raw.stat().st_size + 20_000
    assert len(load_state_dict(out)) == 120


def test_normalisation_comes_from_the_first_that_says_it(resnet: Path, tmp_path: Path) -> None:
    quick: dict[str, Any] = {"verify": False}
    first = run(resnet, tmp_path / "a", **quick)
    assert first.normalisation_from in ("publisher", "assumed")
    assert ("normalisation" in first.assumed) == (first.normalisation_from == "assumed")
    (resnet.parent / "config.json").write_text(json.dumps({"mean": [0.5] * 3, "std": [0.5] * 3}))
    second = run(resnet, tmp_path / "b", **quick)
    assert second.normalisation_from == "beside"
    assert second.normalisation.mean == (127.5,) * 3
    assert any("config.json" in note for note in second.notes)
    told = Given({"std": [1.0, 2.0, 3.0], "channel_order": "bgr"})
    third = run(resnet, tmp_path / "c", given=told, **quick)
    assert third.normalisation_from == "given"
    assert third.normalisation.mean == (127.5,) * 3
    assert third.normalisation.std == (1, 2, 3)
    assert third.normalisation.channel_order == "bgr"
    assert third.asked["normalisation"]["channel_order"] == "bgr"
    assert third.weights_sha256 == first.weights_sha256


def test_what_is_assumed_is_noted(tmp_path: Path) -> None:
    raw = nets.save(tmp_path / "in/state.pth", {
        f"backbone.{key}": value
        for key, value in load_state_dict(_mmpretrain_vit(tmp_path)).items()
    })  # fmt: skip
    manifest = run(raw, tmp_path / "out", verify=False)
    assert manifest.source_format == "mmpretrain"
    assert "num_heads" in manifest.assumed
    assert any("heads" in note for note in manifest.notes)


def _mmpretrain_vit(tmp_path: Path) -> Path:
    raw = nets.save(tmp_path / "in/vit.pth", nets.vit128())
    run(raw, tmp_path / "mm.pth", given=Given(heads=4), verify=False)
    return tmp_path / "mm.pth"


def test_a_second_conversion_knows_what_the_first_was_told(vit: Path, tmp_path: Path) -> None:
    half = {"mean": [127.5] * 3, "std": [127.5] * 3, "channel_order": "bgr"}
    told = Given(half, heads=2)
    for first in (tmp_path / "a.safetensors", tmp_path / "folder"):
        run(vit, first, given=told, verify=False)
        weights = first if first.suffix else first / "backbone.pth"
        second = run(weights, tmp_path / "b.pth", target="timm", verify=False)
        assert second.normalisation.channel_order == "bgr"
        assert second.normalisation_from == "beside"
        assert second.architecture.num_heads == 2
        assert second.assumed == ()
    nets.save(tmp_path / "a.safetensors", load_state_dict(vit))  # the manifest is of another file
    third = run(tmp_path / "a.safetensors", tmp_path / "c.pth", verify=False)
    assert third.assumed == ("normalisation", "num_heads")


def test_missing_counters_are_named(tmp_path: Path) -> None:
    state = nets.resnet18()
    old = {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}
    manifest = run(nets.save(tmp_path / "in/old.pth", old), tmp_path / "out", verify=False)
    assert len(manifest.keys.missing) == 20
    assert "bn1.num_batches_tracked" in manifest.keys.missing
    assert manifest.keys.loaded == 100


def test_both_encoders_of_moco(tmp_path: Path) -> None:
    raw = nets.save(tmp_path / "in/moco.pth.tar", nets.moco(nets.resnet18()))
    online = run(raw, tmp_path / "online", verify=False)
    momentum = run(raw, tmp_path / "momentum", which="momentum", verify=False)
    assert online.source_format == momentum.source_format
    assert (online.encoder, momentum.encoder) == ("online", "momentum")
    assert online.weights_sha256 != momentum.weights_sha256
    assert sum(online.keys.dropped.values()) == 122 + 2 + 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"target": "mmdett"}, "mmdet"),
        ({"source": "tim"}, "timm"),
    ],
)
def test_unknown_names(resnet: Path, tmp_path: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(BenchError, match=said) as caught:
        run(resnet, tmp_path / "out", **options)
    assert caught.value.exit_code == EXIT_USAGE
    assert not (tmp_path / "out").exists()


def test_outputs_that_cannot_be(resnet: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for out, said in (("x.onnx", "safetensors"), ("file", "is a file"), ("in/r18.pth", "over")):
        with pytest.raises(BenchError, match=said) as caught:
            run(resnet, tmp_path / out)
        assert caught.value.exit_code == EXIT_USAGE
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["r18.pth"]


def test_a_failed_proof_writes_nothing(
    resnet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mrcl_bench.convert import verify

    def fail(*_: Any) -> None:
        raise BenchError("features differ.", "Tell us.")

    monkeypatch.setattr(verify, "prove", fail)
    with pytest.raises(BenchError, match="features differ"):
        run(resnet, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert run(resnet, tmp_path / "out", verify=False).proof is None


def test_a_network_of_no_known_kind_passes_only_unproved(tmp_path: Path) -> None:
    import torch

    raw = nets.save(tmp_path / "in/x.pth", {"backbone.stem.weight": torch.rand(3, 3)})
    with pytest.raises(BenchError, match="neither a ViT nor a ResNet") as caught:
        run(raw, tmp_path / "out", source="mmpretrain")
    assert "--no-verify" in caught.value.cure
    manifest = run(raw, tmp_path / "out", source="mmpretrain", verify=False)
    assert (manifest.architecture.label, manifest.keys.loaded) == ("other", 1)


def own(raw: Path, out: Path) -> Manifest:
    """Converts as pretraining does."""
    feed = {"mean": [1, 2, 3], "std": [4, 5, 6], "channel_order": "rgb"}
    return run(raw, out, source="mmpretrain", normalisation=feed)


def test_own_weights_are_proved_where_another_library_has_the_network(
    resnet: Path, tmp_path: Path
) -> None:
    state = {f"backbone.{k}": v for k, v in nets.resnet18().items() if not k.startswith("fc.")}
    manifest = own(nets.save(tmp_path / "own.pth", state), tmp_path / "a")
    assert manifest.proof is not None
    assert "timm" in manifest.proof.target_network
    assert manifest.notes == ()
    state["backbone.layer1.0.extra.weight"] = state["backbone.bn1.weight"]
    manifest = own(nets.save(tmp_path / "odd.pth", state), tmp_path / "b")
    assert manifest.proof is None
    assert any(note.startswith("Nothing is proved") for note in manifest.notes)
    with pytest.raises(BenchError, match="extra"):
        run(tmp_path / "odd.pth", tmp_path / "c", source="mmpretrain")


@pytest.mark.parametrize(
    ("target", "said"),
    [("mmseg", "--to mmseg_stock"), ("mmseg_stock", "added to their positions")],
)
def test_what_becomes_of_the_patches_bias_is_said(
    vit: Path, tmp_path: Path, target: str, said: str
) -> None:
    manifest = run(vit, tmp_path / "out", target=target, given=Given(heads=4), verify=False)
    assert sum(said in note for note in manifest.notes) == 1


def test_a_norm_that_is_left_out_is_said(tmp_path: Path) -> None:
    raw = nets.save(tmp_path / "in/p.pth", nets.vit128(global_pool="avg"))
    manifest = run(raw, tmp_path / "out", target="mmseg", given=Given(heads=4))
    assert manifest.proof is not None
    assert any("norm after pooling was left out" in note for note in manifest.notes)
    assert run(raw, tmp_path / "mm", given=Given(heads=4)).notes == ()
