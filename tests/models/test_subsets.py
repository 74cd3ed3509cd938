"""Subsets by list or by draw, and VOC's image sets."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("mmpretrain")

from mmengine.registry import init_default_scope  # noqa: E402

from mrcl_bench.errors import BenchError  # noqa: E402
from mrcl_bench.models import ListedFolder, VOCPresence  # noqa: E402


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of 10 and 25 pictures, named as ImageNet's are."""
    for name, count in (("n01", 10), ("n02", 25)):
        for number in range(count):
            path = tmp_path / "train" / name / f"{name}_{number}.JPEG"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    return tmp_path


def _subset(folder: Path, **change: object) -> ListedFolder:
    names = str(folder / "subsets" / "10percent.txt")
    given = {"names": names, "share": 0.1, "data_root": str(folder / "train"), "pipeline": []}
    return ListedFolder(**{**given, "extensions": (".jpeg",), **change})


def _files(dataset: ListedFolder) -> list[str]:
    return [Path(dataset.get_data_info(i)["img_path"]).name for i in range(len(dataset))]


def test_a_list_is_followed(folder: Path) -> None:
    (folder / "subsets").mkdir()
    listed = ["n02_24.JPEG", "n01_3.JPEG", "n02_1.JPEG"]
    (folder / "subsets" / "10percent.txt").write_text("\n".join(listed) + "\n")
    dataset = _subset(folder)
    assert sorted(_files(dataset)) == sorted(listed)
    assert [int(label) for label in dataset.get_gt_labels()] == [0, 1, 1]
    assert dataset.origin.startswith("10percent.txt, sha256 ")
    assert dataset.metainfo["classes"] == ("n01", "n02")


def test_a_name_that_is_not_there_is_refused(folder: Path) -> None:
    (folder / "subsets").mkdir()
    (folder / "subsets" / "10percent.txt").write_text("n01_3.JPEG\nn09_1.JPEG\n")
    with pytest.raises(BenchError, match=r"n09_1\.JPEG"):
        _subset(folder)


def test_without_a_list_every_class_is_drawn_from(folder: Path) -> None:
    dataset = _subset(folder)
    assert np.bincount(dataset.get_gt_labels()).tolist() == [1, 2]
    assert dataset.origin == "drawn with seed 0"
    assert _files(dataset) == _files(_subset(folder))
    assert any(_files(dataset) != _files(_subset(folder, seed=seed)) for seed in range(1, 5))
    assert len(_subset(folder, share=0.001)) == 2, "at least one of each"


def devkit(root: Path, split: str, rows: dict[str, list[str]]) -> None:
    """Writes a class's image set; a row is ``<picture> <presence>``."""
    sets = root / "ImageSets" / "Main"
    sets.mkdir(parents=True, exist_ok=True)
    for name, lines in rows.items():
        (sets / f"{name}_{split}.txt").write_text("\n".join(lines) + "\n")


def test_image_sets_of_all_classes_come_together(tmp_path: Path) -> None:
    (tmp_path / "JPEGImages").mkdir()
    cv2.imwrite(str(tmp_path / "JPEGImages" / "000002.jpg"), np.zeros((4, 4, 3), np.uint8))
    rows = {"ant": ["000005 -1", "000002  1"], "bee": ["000002  0", "000005  1"]}
    devkit(tmp_path, "trainval", rows)
    init_default_scope("mmpretrain")
    pipeline = [dict(type="LoadImageFromFile"), dict(type="PackInputs")]
    dataset = VOCPresence(str(tmp_path), "trainval", pipeline, classes=("ant", "bee"))
    assert dataset.get_data_info(0)["img_path"] == str(tmp_path / "JPEGImages" / "000002.jpg")
    assert [dataset.get_data_info(i)["gt_label"] for i in (0, 1)] == [[1, 0], [-1, 1]]
    assert dataset[0]["data_samples"].gt_label.tolist() == [1, 0]
    assert dataset.metainfo["classes"] == ("ant", "bee")


@pytest.mark.parametrize("rows", [["1 1"], ["1 1", "2 x"], ["1 1", "2"]])
def test_image_sets_that_differ_are_refused(tmp_path: Path, rows: list[str]) -> None:
    devkit(tmp_path, "test", {"ant": ["1 -1", "2 1"], "bee": rows})
    with pytest.raises(BenchError, match="bee_test"):
        VOCPresence(str(tmp_path), "test", [], classes=("ant", "bee"))
    with pytest.raises(BenchError, match="ant_trainval"):
        VOCPresence(str(tmp_path), "trainval", [], classes=("ant", "bee"))
