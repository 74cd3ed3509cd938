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


def voc(root: Path, year: int, *lists: str) -> None:
    folder = root / f"VOCdevkit/VOC{year}"
    touch(folder / "Annotations/000001.xml")
    touch(folder / "JPEGImages/000001.jpg")
    for name in lists:
        touch(folder / f"ImageSets/Main/{name}.txt", "000001\n")


def test_voc07_names_all_that_is_missing(tmp_path: Path) -> None:
    voc(tmp_path, 2007, "trainval")
    (tmp_path / "VOCdevkit/VOC2007/Annotations/000001.xml").unlink()
    with pytest.raises(BenchError) as caught:
        require("voc07", tmp_path)
    assert f"empty: {tmp_path}/VOCdevkit/VOC2007/Annotations/" in caught.value.what
    assert "Main/test.txt" in caught.value.what and "archive of their own" in caught.value.what
    assert "JPEGImages" not in caught.value.what


def test_voc07_and_voc0712_complete(tmp_path: Path) -> None:
    voc(tmp_path, 2007, "trainval", "test")
    assert require("voc07", tmp_path).path == tmp_path / "VOCdevkit/VOC2007"
    with pytest.raises(BenchError, match="VOC2012/JPEGImages"):
        require("voc0712", tmp_path)
    voc(tmp_path, 2012, "trainval")
    both = require("voc0712", tmp_path)
    assert both.path == tmp_path / "VOCdevkit"
    touch(tmp_path / "VOCdevkit/VOC2012/JPEGImages/000002.jpg")
    assert require("voc0712", tmp_path).sha256 != both.sha256


def cityscapes(root: Path, split: str, *endings: str) -> None:
    touch(root / f"cityscapes/leftImg8bit/{split}/aachen/aachen_0_leftImg8bit.png")
    for ending in endings:
        touch(root / f"cityscapes/gtFine/{split}/aachen/aachen_0_gtFine_{ending}")


def test_cityscapes(tmp_path: Path) -> None:
    cityscapes(tmp_path, "train", "labelIds.png", "labelTrainIds.png")
    cityscapes(tmp_path, "val", "labelIds.png")
    with pytest.raises(BenchError) as caught:
        require("cityscapes", tmp_path)
    assert "lacks 1 of 1 label maps" in caught.value.what
    assert "aachen/aachen_0_gtFine_labelTrainIds.png" in caught.value.what
    assert "csCreateTrainIdLabelImgs" in caught.value.what
    assert "gtFine/train/" not in caught.value.what
    cityscapes(tmp_path, "val", "labelTrainIds.png")
    assert require("cityscapes", tmp_path).path == tmp_path / "cityscapes"


def test_cityscapes_without_city_folders(tmp_path: Path) -> None:
    cityscapes(tmp_path, "train", "labelTrainIds.png")
    touch(tmp_path / "cityscapes/leftImg8bit/val/aachen_0_leftImg8bit.png")
    touch(tmp_path / "cityscapes/gtFine/val/aachen_0_gtFine_labelTrainIds.png")
    with pytest.raises(BenchError, match="leftImg8bit/val/ has no <city>"):
        require("cityscapes", tmp_path)
