"""Class names are the data's; a wrong one is refused instead of shifting labels."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mrcl_bench.errors import BenchError

pytest.importorskip("mmengine")
from mmengine.config import ConfigDict  # noqa: E402

from mrcl_bench.jobs.classes import fill_coco_classes, fill_segmentation_classes  # noqa: E402


def coco(folder: Path, **dataset: object) -> ConfigDict:
    categories = [{"id": 7, "name": "cat"}, {"id": 2, "name": "ant"}]
    (folder / "ann.json").write_text(json.dumps({"categories": categories}))
    return ConfigDict(
        train_dataloader={"dataset": {"data_root": str(folder), "ann_file": "ann.json", **dataset}},
        val_dataloader=None,
    )


def test_categories_in_the_order_of_their_ids(tmp_path: Path) -> None:
    config = coco(tmp_path)
    fill_coco_classes(config)
    assert config.train_dataloader.dataset.metainfo["classes"] == ("ant", "cat")


def test_named_classes_stay_and_unknown_ones_are_refused(tmp_path: Path) -> None:
    config = coco(tmp_path, metainfo={"classes": ("cat",)})
    fill_coco_classes(config)
    assert config.train_dataloader.dataset.metainfo["classes"] == ("cat",)
    with pytest.raises(BenchError, match="Did you mean cat"):
        fill_coco_classes(coco(tmp_path, metainfo={"classes": ("cats",)}))


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"categories": [{"id": 1}]}'])
def test_broken_annotations_are_named(tmp_path: Path, text: str) -> None:
    config = coco(tmp_path)
    (tmp_path / "ann.json").write_text(text)
    with pytest.raises(BenchError, match=r"ann\.json"):
        fill_coco_classes(config)


def test_segmentation_reads_things_then_stuff(tmp_path: Path) -> None:
    dataset = {"type": "BaseSegDataset", "data_root": str(tmp_path)}
    config = ConfigDict(train_dataloader={"dataset": dict(dataset)})
    with pytest.raises(BenchError, match=r"classes\.json"):
        fill_segmentation_classes(config)
    (tmp_path / "classes.json").write_text(json.dumps({"things": ["a"], "stuff": ["sky"]}))
    fill_segmentation_classes(config)
    assert config.train_dataloader.dataset.metainfo["classes"] == ("a", "sky")
    known = ConfigDict(train_dataloader={"dataset": {**dataset, "type": "ADE20KDataset"}})
    fill_segmentation_classes(known)
    assert "metainfo" not in known.train_dataloader.dataset
