"""Finding data sets by id; the paper's sets are checked by layout."""

from __future__ import annotations

from pathlib import Path

import pytest

from mrcl_bench.data import locate
from mrcl_bench.data.locate import require
from mrcl_bench.errors import EXIT_USAGE, BenchError


def touch(path: Path, text: str = "x") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_own_set(micro: Path) -> None:
    found = require("stamps-micro", micro.parent)
    assert found.path == micro
    assert found.id == "stamps-micro-shapes"
    assert found.shapes_fallback
    assert len(found.sha256) == 64


def test_unknown_id(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="Did you mean stamps") as caught:
        require("stamp", tmp_path)
    assert caught.value.exit_code == EXIT_USAGE


def test_coco_missing_names_all_pieces(tmp_path: Path) -> None:
    touch(tmp_path / "coco/annotations/instances_val2017.json", "{}")
    (tmp_path / "coco/val2017").mkdir()
    with pytest.raises(BenchError) as caught:
        require("coco", tmp_path)
    assert f"missing: {tmp_path}/coco/annotations/instances_train2017.json" in caught.value.what
    assert f"missing: {tmp_path}/coco/train2017/" in caught.value.what
    assert f"empty: {tmp_path}/coco/val2017/" in caught.value.what
    assert "instances_val2017" not in caught.value.what
    assert "MRCL_BENCH_DATA" in caught.value.cure


def test_coco_complete_and_hash(tmp_path: Path) -> None:
    for split in ("train", "val"):
        touch(tmp_path / f"coco/annotations/instances_{split}2017.json", "{}")
        touch(tmp_path / f"coco/{split}2017/1.jpg")
    first = require("coco", tmp_path)
    assert (first.id, first.path) == ("coco", tmp_path / "coco")
    assert require("coco", tmp_path) == first
    touch(tmp_path / "coco/unrelated.txt")
    assert require("coco", tmp_path) == first, "only the pieces that are read count"
    touch(tmp_path / "coco/train2017/1.jpg", "longer")
    assert require("coco", tmp_path).sha256 != first.sha256


def test_ade_missing_names_all_pieces(tmp_path: Path) -> None:
    touch(tmp_path / "ade/ADEChallengeData2016/images/training/1.jpg")
    with pytest.raises(BenchError) as caught:
        require("ade20k", tmp_path)
    for piece in ("images/validation", "annotations/training", "annotations/validation"):
        assert f"ADEChallengeData2016/{piece}/" in caught.value.what
    assert "images/training" not in caught.value.what


def test_ade_complete(tmp_path: Path) -> None:
    for split in ("training", "validation"):
        touch(tmp_path / f"ade/ADEChallengeData2016/images/{split}/1.jpg")
        touch(tmp_path / f"ade/ADEChallengeData2016/annotations/{split}/1.png")
    assert require("ade20k", tmp_path).path == tmp_path / "ade/ADEChallengeData2016"


def test_imagenet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BenchError) as caught:
        require("imagenet", tmp_path)
    assert f"{tmp_path}/imagenet/train/" in caught.value.what
    assert f"{tmp_path}/imagenet/val/" in caught.value.what
    touch(tmp_path / "imagenet/train/n01440764/1.JPEG")
    touch(tmp_path / "imagenet/val/ILSVRC2012_val_00000001.JPEG")
    with pytest.raises(BenchError) as caught:
        require("imagenet", tmp_path)
    assert "1 class folders" in caught.value.what
    assert "sort them into class folders" in caught.value.what
    monkeypatch.setattr(locate, "IMAGENET_CLASSES", 1)
    touch(tmp_path / "imagenet/val/n01440765/1.JPEG")
    with pytest.raises(BenchError, match="differ in class folders: n01440764, n01440765"):
        require("imagenet", tmp_path)


def test_own_set_is_found_and_hashed(tmp_path):
    with pytest.raises(BenchError, match="birds"):
        require("own:birds", tmp_path)
    (tmp_path / "birds" / "train").mkdir(parents=True)
    (tmp_path / "birds" / "train" / "a.png").write_bytes(b"one")
    before = require("own:birds", tmp_path)
    assert before.path == tmp_path / "birds"
    assert require("own:birds", tmp_path) == before
    (tmp_path / "birds" / "train" / "b.png").write_bytes(b"two")
    assert require("own:birds", tmp_path).sha256 != before.sha256
