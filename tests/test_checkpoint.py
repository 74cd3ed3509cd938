from __future__ import annotations

import argparse
import json
import os
import pickle
import struct
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from mrcl_bench.backbone_weights import load_backbone  # noqa: E402
from mrcl_bench.checkpoint import (  # noqa: E402
    load_checkpoint,
    load_state_dict,
    save_weights,
    state_dict_sha256,
)
from mrcl_bench.errors import BenchError  # noqa: E402


class Canary:
    """Would make a file, and so show that a pickle ran."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.fixture
def weights() -> dict[str, Any]:
    generator = torch.Generator().manual_seed(0)
    return {
        "a.weight": torch.randn(4, 3, generator=generator),
        "a.bias": torch.randn(4, generator=generator).to(torch.bfloat16),
        "steps": torch.tensor(3),
        "mask": torch.tensor([True, False]),
    }


def refusal(path: Path) -> BenchError:
    with pytest.raises(BenchError) as caught:
        load_state_dict(path)
    assert caught.value.cure, "every refusal names a cure"
    assert str(path) in caught.value.what
    return caught.value


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("bare", [True, False], ids=["bare", "torch"])
def test_a_pickle_that_would_run_code_is_refused_and_never_runs(
    tmp_path: Path, bare: bool, protocol: int
) -> None:
    target = tmp_path / "fired"
    path = tmp_path / "evil.pth"
    content = {"state_dict": {"w": torch.zeros(1)}, "extra": Canary(target)}
    if bare:
        path.write_bytes(pickle.dumps(content["extra"], protocol=protocol))
    else:
        torch.save(content, path, pickle_protocol=protocol)
    error = refusal(path)
    assert "mkdir" in error.what
    assert not target.exists()


def test_the_canary_is_alive(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Canary(tmp_path / "fired")))
    assert (tmp_path / "fired").exists()


def test_getattr_is_only_ever_inert(tmp_path: Path) -> None:
    class Getter:
        def __reduce__(self) -> tuple[Any, ...]:
            return getattr, (torch.Tensor, "shape")

    path = tmp_path / "getattr.pth"
    torch.save({"state_dict": {"w": torch.zeros(1)}, "x": Getter()}, path)
    content = load_checkpoint(path)
    assert isinstance(content, dict)
    assert type(content["x"]).__name__ == "_Inert"

    # getattr('a', 'b')() by hand: what the inert getattr returned is not called either
    stream = b"\x80\x02cbuiltins\ngetattr\n(X\x01\x00\x00\x00aX\x01\x00\x00\x00btR)R."
    path.write_bytes(stream)
    assert "builtins.getattr" in refusal(path).what


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html>\n<html><body>Sign in</body></html>", "HTML"),
        (b'\n <?xml version="1.0"?><Error>AccessDenied</Error>', "HTML or XML"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git-lfs"),
        (b"404: Not Found", "text"),
        (bytes(range(128, 256)) * 8, "no known format"),
        (b"\x80\x02", "truncated"),
        (b"PK\x03\x04rubbish", "truncated"),
    ],
)
def test_what_is_no_checkpoint_is_named(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    assert expected in refusal(path).what


def test_missing_file_and_folder(tmp_path: Path) -> None:
    assert "no weights" in refusal(tmp_path / "none.pth").what
    assert "not a file" in refusal(tmp_path).what


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
def test_truncated_pth(tmp_path: Path, legacy: bool, share: float) -> None:
    path = tmp_path / "w.pth"
    torch.save({"w": torch.randn(5000)}, path, _use_new_zipfile_serialization=not legacy)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    assert "truncated" in refusal(path).what


def test_flipped_byte_in_the_weights(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    torch.save({"w": torch.ones(5000)}, path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert "damaged" in refusal(path).what


@pytest.mark.parametrize("kind", ["huge", "short", "overlap", "rubbish", "beyond"])
def test_malformed_safetensors(tmp_path: Path, kind: str) -> None:
    safetensors = pytest.importorskip("safetensors.torch")
    path = tmp_path / "w.safetensors"
    safetensors.save_file({"a": torch.randn(8), "b": torch.randn(8)}, path)
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    if kind == "huge":
        data = struct.pack("<Q", 1 << 62) + data[8:]
    elif kind == "short":
        data = data[:-5]
    elif kind == "rubbish":
        data = struct.pack("<Q", 10) + b"\xff" * 10
    else:
        header["b"]["data_offsets"] = [16, 48] if kind == "overlap" else [32, 1 << 40]
        text = json.dumps(header).encode()
        data = struct.pack("<Q", len(text)) + text + data[8 + length :]
    path.write_bytes(data)
    assert "not valid safetensors" in refusal(path).what


def test_safetensors_is_read_and_found_under_a_wrong_name(
    tmp_path: Path, weights: dict[str, Any]
) -> None:
    safetensors = pytest.importorskip("safetensors.torch")
    path = tmp_path / "w.safetensors"
    safetensors.save_file(weights, path)
    assert state_dict_sha256(load_state_dict(path)) == state_dict_sha256(weights)
    assert "safetensors" in refusal(path.rename(tmp_path / "w.pth")).what


@pytest.mark.parametrize("wrap", [None, "state_dict", "model"])
def test_usual_containers(tmp_path: Path, weights: dict[str, Any], wrap: str | None) -> None:
    path = tmp_path / "w.pth"
    extra = {"epoch": 3, "args": argparse.Namespace(lr=0.1)}
    torch.save(weights if wrap is None else {wrap: weights, **extra}, path)
    assert state_dict_sha256(load_state_dict(path)) == state_dict_sha256(weights)


def test_no_tensors_and_mixed_content(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    torch.save({"epoch": 3, "state_dict": {}}, path)
    assert "no tensors" in refusal(path).what
    torch.save({"w": torch.zeros(1), "epoch": 3}, path)
    assert "epoch" in refusal(path).what
    torch.save([torch.zeros(1)], path)
    assert "list" in refusal(path).what


def test_a_checkpoint_of_mmengines_hook_is_read(tmp_path: Path) -> None:
    pytest.importorskip("mmengine")
    import numpy
    from mmengine.logging import HistoryBuffer

    history = HistoryBuffer()
    history.update(numpy.float64(0.5))
    hub = {"log_scalars": {"loss": history}, "runtime_info": {"eta": numpy.float64(2)}}
    path = tmp_path / "epoch_1.pth"
    torch.save({"meta": {}, "state_dict": {"w": torch.ones(2)}, "message_hub": hub}, path)
    with pytest.raises(pickle.UnpicklingError):
        torch.load(path, weights_only=True)
    assert load_state_dict(path)["w"].tolist() == [1, 1]


def test_save_and_load_again(tmp_path: Path, weights: dict[str, Any]) -> None:
    path = tmp_path / "w.pth"
    meta = {"recipe": "r", "n": 1, "list": [1.5, None, {"a": (True,)}]}
    base = torch.randn(1000)
    state = {**weights, "view": base[:6].view(2, 3).t(), "tied": weights["a.weight"]}
    state["param"] = nn.Parameter(torch.ones(2))
    save_weights(path, state, meta)
    first = path.read_bytes()
    save_weights(path, state, meta)
    assert path.read_bytes() == first, "equal input, equal bytes"
    assert len(first) < 8000, "a view does not drag its base along"
    assert [p.name for p in tmp_path.iterdir()] == ["w.pth"]

    content = torch.load(path, weights_only=True)
    assert content["meta"] == meta
    saved = content["state_dict"]
    assert list(saved) == list(state)
    assert not saved["param"].requires_grad
    assert saved["view"].is_contiguous()
    storages = {tensor.untyped_storage().data_ptr() for tensor in saved.values()}
    assert len(storages) == len(saved), "each tensor has a storage of its own"
    assert state_dict_sha256(load_state_dict(path)) == state_dict_sha256(state)


def test_saved_weights_suit_mmengine(tmp_path: Path) -> None:
    checkpoint = pytest.importorskip("mmengine.runner.checkpoint")
    model, copy = nn.Linear(3, 2), nn.Linear(3, 2)
    save_weights(tmp_path / "w.pth", model.state_dict(), {})
    checkpoint.load_checkpoint(copy, str(tmp_path / "w.pth"), strict=True)
    assert state_dict_sha256(copy.state_dict()) == state_dict_sha256(model.state_dict())


def test_only_plain_values_beside_the_weights(tmp_path: Path) -> None:
    for value in (Path("x"), {1, 2}, torch.zeros(1), {"deep": [object()]}):
        with pytest.raises(TypeError, match="meta"):
            save_weights(tmp_path / "w.pth", {}, {"value": value})
    assert not list(tmp_path.iterdir())


def test_hash_depends_on_content_alone(weights: dict[str, Any]) -> None:
    digest = state_dict_sha256(weights)
    assert state_dict_sha256(dict(reversed(weights.items()))) == digest
    strided = weights["a.weight"].t().contiguous().t()
    assert state_dict_sha256({**weights, "a.weight": strided}) == digest
    others: list[dict[str, Any]] = [
        {**weights, "steps": torch.tensor(4)},
        {**weights, "steps": torch.tensor([3])},
        {**weights, "steps": torch.tensor(3, dtype=torch.int32)},
        {**weights, "a.weight": weights["a.weight"].reshape(3, 4)},
        {("b" if key == "steps" else key): value for key, value in weights.items()},
        {key: value for key, value in weights.items() if key != "mask"},
    ]
    assert digest not in [state_dict_sha256(other) for other in others]


def conv_net() -> Any:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1))


def test_load_backbone_copies_everything() -> None:
    source, target = conv_net(), conv_net()
    source(torch.randn(2, 3, 8, 8))
    report = load_backbone(target, source.state_dict())
    assert report.loaded == len(source.state_dict())
    assert report.missing == report.unexpected == report.resized == []
    assert state_dict_sha256(target.state_dict()) == state_dict_sha256(source.state_dict())


def test_a_renamed_key_is_refused_and_nothing_is_loaded() -> None:
    source, target = conv_net().state_dict(), conv_net()
    before = state_dict_sha256(target.state_dict())
    renamed = {key.replace("2.weight", "3.weight"): value for key, value in source.items()}
    with pytest.raises(BenchError) as caught:
        load_backbone(target, renamed)
    assert "1 missing: 2.weight" in caught.value.what
    assert "1 left over: 3.weight" in caught.value.what
    assert caught.value.cure
    assert state_dict_sha256(target.state_dict()) == before

    with pytest.raises(BenchError, match="8 missing.*9 left over"):
        load_backbone(target, {f"backbone.{key}": value for key, value in source.items()})
    with pytest.raises(BenchError, match=r"2.weight \(2, 5, 1, 1\) into \(2, 4, 1, 1\)"):
        load_backbone(target, {**source, "2.weight": torch.zeros(2, 5, 1, 1)})
    assert state_dict_sha256(target.state_dict()) == before


def test_exceptions_to_the_contract_are_explicit() -> None:
    source, target = conv_net().state_dict(), conv_net()
    extra = {**source, "ln1.weight": torch.ones(2), "xln1.weight": torch.ones(2)}
    with pytest.raises(BenchError, match="1 left over: xln1.weight"):
        load_backbone(target, extra, left_out=(r"ln1\..*",))
    extra.pop("xln1.weight")
    assert load_backbone(target, extra, left_out=(r"ln1\..*",)).unexpected == ["ln1.weight"]
    target[1].num_batches_tracked.fill_(7)
    del extra["1.num_batches_tracked"]
    load_backbone(target, extra, left_out=(r"ln1\..*",))
    assert int(target[1].num_batches_tracked) == 7


def vit(**kwargs: Any) -> Any:
    pytest.importorskip("mmpretrain")
    from mmpretrain.models import VisionTransformer

    arch = {"embed_dims": 16, "num_layers": 2, "num_heads": 2, "feedforward_channels": 32}
    return VisionTransformer(arch=arch, patch_size=4, **kwargs)


@pytest.mark.parametrize("size", [(24, 24), (8, 8), (24, 16)])
def test_positions_are_resampled_as_by_mmpretrain(size: tuple[int, int]) -> None:
    source = vit(img_size=16)
    nn.init.normal_(source.pos_embed)
    weights = source.state_dict()
    target = vit(img_size=size, out_type="featmap")
    from mmpretrain.models.utils import resize_pos_embed

    report = load_backbone(target, weights)
    grid = (size[0] // 4, size[1] // 4)
    expected = resize_pos_embed(weights["pos_embed"], (4, 4), grid, "bicubic", 1)
    assert report.resized == ["pos_embed"]
    assert torch.equal(target.pos_embed, expected)
    assert report.loaded == len(weights)

    untouched = vit(img_size=size)
    before = state_dict_sha256(untouched.state_dict())
    with pytest.raises(BenchError, match="1 of another shape: pos_embed"):
        load_backbone(untouched, weights, resample_positions=False)
    assert state_dict_sha256(untouched.state_dict()) == before


def test_positions_without_a_class_token() -> None:
    source = vit(img_size=16)
    nn.init.normal_(source.pos_embed)
    target = vit(img_size=16, out_type="featmap", with_cls_token=False)
    weights = source.state_dict()
    with pytest.raises(BenchError, match="1 left over: cls_token"):
        load_backbone(target, weights)
    report = load_backbone(target, weights, left_out=("cls_token",))
    assert torch.equal(target.pos_embed, source.pos_embed[:, 1:])
    assert report.resized == ["pos_embed"]
    with pytest.raises(BenchError, match="missing: cls_token"):
        load_backbone(source, target.state_dict())
    odd = {**weights, "pos_embed": torch.zeros(1, 12, 16)}
    with pytest.raises(BenchError, match="another shape: pos_embed"):
        load_backbone(source, odd)


def test_mmengines_initialisation_leaves_loaded_weights_alone() -> None:
    source, target = vit(img_size=16), vit(img_size=16)
    from mmengine.model import BaseModule

    class Parent(BaseModule):
        def __init__(self, child: Any) -> None:
            super().__init__()
            self.backbone = child

    load_backbone(target, source.state_dict())
    Parent(target).init_weights()
    assert state_dict_sha256(target.state_dict()) == state_dict_sha256(source.state_dict())
