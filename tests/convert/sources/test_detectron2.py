from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from mrcl_bench.convert import convert  # noqa: E402
from mrcl_bench.errors import BenchError  # noqa: E402

from .layouts import caffe2, detectron2, msra, other, resnet  # noqa: E402


@pytest.mark.parametrize("depth", [18, 50])
def test_its_own_names_come_back_to_torchvisions(depth: int) -> None:
    plain = resnet(depth=depth)
    state = {detectron2(key): value for key, value in plain.items()}
    found = convert("detectron2", state)
    assert found.backbone.keys() == plain.keys()
    assert all(found.backbone[key] is plain[key] for key in plain)


def test_caffe2s_blobs_come_back_to_torchvisions() -> None:
    plain = {k: v for k, v in resnet(depth=50).items() if "num_batches" not in k}
    blobs = {caffe2(key): value for key, value in plain.items()}
    assert len(blobs) == len(plain)
    for name in ("conv1_w", "res_conv1_bn_s", "res2_0_branch1_bn_b", "res5_2_branch2c_w"):
        assert name in blobs
    found = convert("detectron2", blobs)
    assert all(found.backbone[key] is plain[key] for key in plain)


def test_msras_models_are_fed_bgr_and_have_the_stride_first() -> None:
    state = {key: torch.ones(value.shape) for key, value in msra().items()}
    found = convert("detectron2", state)
    assert found.normalisation == {
        "mean": (103.53, 116.28, 123.675),
        "std": (1.0, 1.0, 1.0),
        "channel_order": "bgr",
    }
    assert (found.dialect, found.traits) == ("mmdet", {"style": "caffe"})
    assert any("mean 0 and variance 1" in note for note in found.notes)
    mean, var = (found.backbone[f"layer1.0.bn1.running_{part}"] for part in ("mean", "var"))
    assert mean.abs().max() == 0
    # with the usual epsilon the norm is scale and shift alone
    assert torch.allclose((var + 1e-5).rsqrt(), torch.ones_like(var), rtol=1e-7, atol=0)


def test_torchvisions_models_by_its_names_are_fed_rgb() -> None:
    found = convert("detectron2", resnet(depth=50, rename=detectron2))
    assert found.normalisation is not None
    assert found.normalisation["channel_order"] == "rgb"
    assert (found.dialect, found.traits) == ("torchvision", {"style": "pytorch"})


@pytest.mark.parametrize(
    ("mean", "order", "style"),
    [([103.53, 116.28, 123.675], "bgr", "caffe"), ([123.675, 116.28, 103.53], "rgb", "pytorch")],
)
def test_the_files_own_mean_goes_first(mean: list[float], order: str, style: str) -> None:
    state: dict[str, Any] = resnet("backbone.bottom_up.", 50, detectron2)
    state["pixel_mean"] = torch.tensor(mean).view(3, 1, 1)
    state["pixel_std"] = torch.tensor([58.395, 57.12, 57.375]).view(3, 1, 1)
    found = convert("detectron2", state)
    assert found.normalisation is not None
    assert found.normalisation["mean"] == pytest.approx(mean)
    assert (found.normalisation["channel_order"], found.traits["style"]) == (order, style)
    assert found.dropped == {"data_preprocessor": ["pixel_mean", "pixel_std"]}


def test_res5_of_a_c4_detector_is_in_its_heads() -> None:
    state = {}
    for key, value in resnet(depth=50, rename=detectron2).items():
        state[("roi_heads." if key.startswith("res5") else "backbone.") + key] = value
    state |= other("roi_heads.box_predictor.cls_score.weight")
    found = convert("detectron2", state)
    assert found.backbone.keys() == resnet(depth=50).keys()
    assert found.dropped == {"head": ["roi_heads.box_predictor.cls_score.weight"]}


def test_an_unknown_part_of_a_blob_is_refused() -> None:
    with pytest.raises(BenchError, match="res2_0_branch2a_bn_x"):
        convert("detectron2", msra() | other("res2_0_branch2a_bn_x"))
