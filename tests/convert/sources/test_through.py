"""Publishers' files through the whole conversion, with its proof."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm")
pytest.importorskip("mmdet")

from mrcl_bench.convert.file import Given, convert_file  # noqa: E402
from mrcl_bench.convert.manifest import Manifest  # noqa: E402

from .. import networks  # noqa: E402
from .layouts import caffe2, hugging_face, linear, numbered, other, registers, vit  # noqa: E402

HEADS = Given(heads=3)


def through(raw: Path, target: str, **options: Any) -> Manifest:
    out = raw.parent / f"out-{target}.safetensors"
    found = convert_file(raw, out, recipe="x", algorithm="x", target=target, **options)
    assert found.proof is not None and found.proof.largest_relative < 1e-4
    return found


def resnet(prefix: str = "", base: dict[str, Any] = networks.RESNET18) -> dict[str, Any]:
    return {prefix + k: v for k, v in networks.weights(networks.architecture(base)).items()}


def test_a_full_checkpoint_of_dino(tmp_path: Path) -> None:
    student, teacher = vit("module.backbone."), vit("backbone.")
    teacher["backbone.norm.bias"] = teacher["backbone.norm.bias"] + 1
    heads = linear("module.head.mlp.0") | other("module.head.last_layer.weight_v")
    raw = tmp_path / "checkpoint.pth"
    torch.save({"student": student | heads, "teacher": teacher, "epoch": 1}, raw)
    online = through(raw, "mmpretrain", given=HEADS)
    assert online.source_format == "dino"
    assert any("--encoder momentum" in note for note in online.notes)
    average = through(raw, "mmpretrain", given=HEADS, which="momentum")
    assert average.weights_sha256 != online.weights_sha256
    assert average.keys.dropped["online"] == len(student)


@pytest.mark.parametrize("target", ["timm", "mmseg", "mmpretrain"])
def test_transformers_vit(tmp_path: Path, target: str) -> None:
    safetensors = pytest.importorskip("safetensors.torch")
    raw = tmp_path / "model.safetensors"
    state = {k: v.contiguous() for k, v in hugging_face("vit.").items()}
    safetensors.save_file(state, raw)
    found = through(raw, target, given=HEADS)
    assert found.source_format == "transformers"
    assert found.architecture.norm_eps == 1e-12
    assert found.normalisation.mean == (127.5, 127.5, 127.5)


def test_dinov2_with_registers(tmp_path: Path) -> None:
    raw = tmp_path / "dinov2_reg.pth"
    torch.save(registers(), raw)
    found = through(raw, "timm", given=HEADS)
    assert (found.source_format, found.architecture.register_tokens) == ("dinov2", 2)


def test_lightlys_checkpoint(tmp_path: Path) -> None:
    raw = tmp_path / "last.ckpt"
    weights = {f"backbone.{numbered(k)}": v for k, v in resnet().items()}
    torch.save({"state_dict": weights | linear("projection_head.layers.0")}, raw)
    found = through(raw, "mmdet")
    assert (found.source_format, found.architecture.label) == ("lightly", "resnet-18")


def test_detectron2s_msra_model(tmp_path: Path) -> None:
    left = ("running_mean", "running_var", "num_batches_tracked")
    blobs = {
        caffe2(key): value.numpy()
        for key, value in resnet(base=networks.RESNET50).items()
        if key.rpartition(".")[2] not in left
    }
    raw = tmp_path / "R-50.pkl"
    raw.write_bytes(pickle.dumps(blobs, protocol=2))
    found = through(raw, "mmdet")
    assert found.source_format == "detectron2"
    assert found.normalisation.channel_order == "bgr"
    assert found.architecture.style == "caffe"
    assert found.backbone_config is not None and found.backbone_config["style"] == "caffe"
