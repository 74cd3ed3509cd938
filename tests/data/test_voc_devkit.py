"""Pascal VOC's devkit, and COCO's measure on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("mmdet")

from mmdet.evaluation.metrics import coco_metric  # noqa: E402

from mrcl_bench.data.voc_devkit import CLASSES, VOCDevkit  # noqa: E402
from mrcl_bench.errors import BenchError  # noqa: E402
from mrcl_bench.jobs.voc_metric import VOCMetricByCoco  # noqa: E402


def annotate(root: Path, year: str, split: str, pictures: dict[str, list[tuple[Any, ...]]]) -> None:
    """Writes a list and its annotations: (class, difficult, x1, y1, x2, y2) in VOC's pixels."""
    for part in ("Annotations", "ImageSets/Main"):
        (root / year / part).mkdir(parents=True, exist_ok=True)
    (root / year / "ImageSets/Main" / f"{split}.txt").write_text("\n".join(pictures) + "\n")
    for stem, objects in pictures.items():
        body = "".join(
            f"<object><name>{name}</name><difficult>{hard}</difficult>"
            # a part of a person has a box of its own in VOC2012
            "<part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax>"
            "<ymax>2</ymax></bndbox></part>"
            f"<bndbox><xmin>{a}</xmin><ymin>{b}</ymin><xmax>{c}</xmax><ymax>{d}</ymax></bndbox>"
            "</object>"
            for name, hard, a, b, c, d in objects
        )
        (root / year / "Annotations" / f"{stem}.xml").write_text(
            f"<annotation><size><width>100</width><height>50</height></size>{body}</annotation>"
        )


@pytest.fixture
def devkit(tmp_path: Path) -> Path:
    annotate(tmp_path, "VOC2007", "trainval", {"1": [("dog", 1, 1, 1, 100, 50)], "2": []})
    annotate(tmp_path, "VOC2012", "trainval", {"2008_1": [("cat", 0, 11, 21.5, 30, 40)]})
    return tmp_path


BOTH = [("VOC2007", "trainval"), ("VOC2012", "trainval")]


def test_both_years_are_read_as_detectron2_reads_them(devkit: Path) -> None:
    dataset = VOCDevkit(
        BOTH, "objects", data_root=str(devkit), filter_cfg={"filter_empty_gt": True}
    )
    assert len(dataset) == 2  # the picture without objects is left out
    dog, cat = dataset.get_data_info(0), dataset.get_data_info(1)
    assert dog["instances"] == [
        {"bbox": [0, 0, 100, 50], "bbox_label": CLASSES.index("dog"), "ignore_flag": 0}
    ]
    assert cat["instances"][0]["bbox"] == [10, 20.5, 30, 40]
    assert (dog["img_id"], cat["img_id"]) == ("VOC2007/1", "VOC2012/2008_1")
    assert cat["img_path"] == str(devkit / "VOC2012/JPEGImages/2008_1.jpg")
    assert (dog["width"], dog["height"]) == (100, 50)
    assert len(dataset.metainfo["classes"]) == 20


def test_difficult_objects_can_be_marked(devkit: Path) -> None:
    dataset = VOCDevkit(BOTH[:1], "ignored", data_root=str(devkit), test_mode=True)
    assert len(dataset) == 2
    assert dataset.get_data_info(0)["instances"][0]["ignore_flag"] == 1


def test_what_cannot_be_read_is_named(devkit: Path) -> None:
    with pytest.raises(BenchError, match=r"ImageSets/Main/test\.txt"):
        VOCDevkit([("VOC2007", "test")], "ignored", data_root=str(devkit))
    path = devkit / "VOC2012/Annotations/2008_1.xml"
    path.write_text(path.read_text().replace("cat", "unicorn"))
    with pytest.raises(BenchError, match=r"2008_1\.xml"):
        VOCDevkit(BOTH, "objects", data_root=str(devkit))
    path.write_text("<annotation>")
    with pytest.raises(BenchError, match=r"2008_1\.xml"):
        VOCDevkit(BOTH, "objects", data_root=str(devkit))


def measure(truth: list[tuple[list[float], int]], found: list[list[float]]) -> dict[str, float]:
    """AP of one picture's dogs; (box, difficult) against boxes, the surest first."""
    metric = VOCMetricByCoco()
    metric.dataset_meta = {"classes": CLASSES}
    label = CLASSES.index("dog")
    metric.process(
        {},
        [
            {
                "img_id": "VOC2007/1",
                "ori_shape": (100, 100),
                "instances": [
                    {"bbox": box, "bbox_label": label, "ignore_flag": hard} for box, hard in truth
                ],
                "pred_instances": {
                    "bboxes": torch.tensor(found),
                    "scores": torch.linspace(0.9, 0.5, len(found)),
                    "labels": torch.full((len(found),), label),
                },
            }
        ],
    )
    return {k.split("/")[-1]: v for k, v in metric.evaluate(1).items()}


EASY, HARD = [0.0, 0.0, 20.0, 20.0], [50.0, 50.0, 90.0, 90.0]
INSIDE_HARD = [50.0, 50.0, 60.0, 60.0]  # 1/16 of it


def test_difficult_objects_are_neither_found_nor_missed() -> None:
    plain = measure([(EASY, 0)], [EASY])
    for name in ("bbox_mAP", "bbox_mAP_50", "bbox_mAP_75"):
        assert plain[name] == pytest.approx(1)
    # not found: nothing is missed; found twice: neither counts
    assert measure([(EASY, 0), (HARD, 1)], [EASY])["bbox_mAP"] == pytest.approx(1)
    assert measure([(EASY, 0), (HARD, 1)], [HARD, HARD, EASY])["bbox_mAP"] == pytest.approx(1)
    # the same object, not difficult
    assert measure([(EASY, 0), (HARD, 0)], [EASY])["bbox_mAP"] == pytest.approx(51 / 101)


def test_overlap_with_a_difficult_object_is_the_usual_one() -> None:
    """A crowd of COCO's would swallow the small box, which is wrong here."""
    assert measure([(EASY, 0), (HARD, 1)], [INSIDE_HARD, EASY])["bbox_mAP"] == pytest.approx(0.5)
    assert measure([(EASY, 0), (HARD, 0)], [INSIDE_HARD, EASY])["bbox_mAP"] < 0.5


def test_recall_is_sampled_101_times_and_mmdet_is_left_as_it_was() -> None:
    before = coco_metric.COCOeval
    # a false detection first, then the true one: precision 1/2 at every recall, VOC's too;
    # one of three found: recalls 0 to 1/3, 34 of 101 against 4 of 11
    found = measure([(EASY, 0), (HARD, 0), ([0.0, 60.0, 30.0, 90.0], 0)], [EASY])
    assert found["bbox_mAP_50"] == pytest.approx(34 / 101)
    assert coco_metric.COCOeval is before
