"""The public sets in miniature: real layouts, real labels, the same bytes again."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest

from mrcl_bench.data import labels
from mrcl_bench.data.locate import require
from mrcl_bench.data.miniature import make_miniature
from mrcl_bench.errors import EXIT_USAGE, BenchError


@pytest.mark.parametrize("data_id", ["imagenet", "coco", "voc07", "voc0712", "ade20k", "cityscapes"])
def test_every_layout_is_complete(miniature: Path, data_id: str) -> None:
    assert require(data_id, miniature).id == data_id


def test_same_seed_same_bytes(miniature: Path, tmp_path: Path) -> None:
    again = make_miniature(tmp_path / "again")
    assert make_miniature(miniature) == again
    assert make_miniature(tmp_path / "other", seed=1).sha256 != again.sha256


def test_what_is_there_is_kept_and_what_is_incomplete_made_anew(tmp_path: Path) -> None:
    root = tmp_path / "data"
    first = make_miniature(root)
    picture = root / "coco/val2017" / "000000000009.jpg"
    before = picture.stat().st_mtime_ns
    make_miniature(root)
    assert picture.stat().st_mtime_ns == before
    picture.unlink()
    assert make_miniature(root) == first
    assert picture.is_file()


def test_nothing_else_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(BenchError, match="something else") as caught:
        make_miniature(tmp_path)
    assert caught.value.exit_code == EXIT_USAGE
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_command_line(cli: Any, tmp_path: Path) -> None:
    done = cli("data", "miniature", "small")
    assert done.returncode == 0 and "miniature: " in done.stdout
    assert require("voc0712", tmp_path / "small").path == tmp_path / "small/VOCdevkit"


def test_imagenet_ids_are_the_real_ones(miniature: Path) -> None:
    ids = labels.imagenet_ids()
    assert ids is not None and ids[0] == "n01440764" and ids[-1] == "n15075141"
    for split in ("train", "val"):
        assert {p.name for p in (miniature / "imagenet" / split).iterdir()} == set(ids)


def test_labels_are_those_of_the_libraries() -> None:
    datasets = pytest.importorskip("mmdet.datasets")
    from mmseg.datasets import ADE20KDataset, CityscapesDataset

    assert tuple(labels.COCO_CATEGORIES.values()) == datasets.CocoDataset.METAINFO["classes"]
    assert max(labels.COCO_CATEGORIES) == 90
    assert labels.VOC_CLASSES == datasets.VOCDataset.METAINFO["classes"]
    assert len(ADE20KDataset.METAINFO["classes"]) == labels.ADE20K_CLASSES
    assert len(CityscapesDataset.METAINFO["classes"]) == len(labels.CITYSCAPES_IDS)


def test_coco_boxes_hold_their_masks(miniature: Path) -> None:
    from pycocotools.coco import COCO

    coco = COCO(str(miniature / "coco/annotations/instances_train2017.json"))
    assert len(coco.getCatIds()) == 80
    assert any(entry["iscrowd"] for entry in coco.anns.values())
    empty = [image for image in coco.imgs if not coco.getAnnIds(imgIds=image)]
    assert len(empty) == 1
    for entry in coco.anns.values():
        left, top, wide, high = entry["bbox"]
        rows, columns = np.nonzero(coco.annToMask(entry))
        assert (columns.min(), rows.min()) == (left, top)
        assert (columns.max() - left + 1, rows.max() - top + 1) == (wide, high)


def test_voc_shows_every_class_often_enough_for_three_folds(miniature: Path) -> None:
    main = miniature / "VOCdevkit/VOC2007/ImageSets/Main"
    for split, least in (("trainval", 3), ("test", 1)):
        stems = (main / f"{split}.txt").read_text().split()
        there: Counter[str] = Counter()
        for stem in stems:
            page = ElementTree.parse(miniature / f"VOCdevkit/VOC2007/Annotations/{stem}.xml")
            certain = {
                thing.findtext("name")
                for thing in page.findall("object")
                if thing.findtext("difficult") == "0"
            }
            there.update(str(name) for name in certain)
        for name in labels.VOC_CLASSES:
            rows = [line.split() for line in (main / f"{name}_{split}.txt").read_text().splitlines()]
            assert [row[0] for row in rows] == stems
            assert Counter(row[1] for row in rows)["1"] == there[name] >= least


def test_label_maps_hold_known_labels_only(miniature: Path) -> None:
    ade = [*(miniature / "ade").rglob("annotations/*/*.png")]
    values = set(np.unique([cv2.imread(str(p), cv2.IMREAD_UNCHANGED) for p in ade]).tolist())
    assert {0, 150} <= values <= set(range(151))
    for file in (miniature / "cityscapes/gtFine").rglob("*_labelTrainIds.png"):
        train = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
        ids = cv2.imread(str(file).replace("labelTrainIds", "labelIds"), cv2.IMREAD_UNCHANGED)
        for value in np.unique(train):
            assert value == 255 or set(ids[train == value]) == {labels.CITYSCAPES_IDS[value]}


def test_masks_lie_on_what_they_name(miniature: Path) -> None:
    content = json.loads((miniature / "coco/annotations/instances_val2017.json").read_text())
    for image in content["images"]:
        pixels = cv2.imread(str(miniature / "coco/val2017" / image["file_name"]))
        assert pixels.shape[:2] == (image["height"], image["width"])
