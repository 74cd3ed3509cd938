"""hotcoco and the matching beside it give pycocotools' numbers, to the last digit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("mmdet")
pytest.importorskip("mmseg")
from benchmarks.coco_sets import detections  # noqa: E402
from mrcl_bench.jobs import exact_metrics, fast_coco  # noqa: E402
from mrcl_bench.jobs.exact_metrics import ExactCocoMetric  # noqa: E402

needs_hotcoco = pytest.mark.skipif(not fast_coco.available(), reason="hotcoco is not installed")


def judge(
    path: Path, truth: Any, results: Any, plain: bool, names: Any = None, **change: Any
) -> tuple[dict[str, float], dict[str, Any]]:
    file = path / "truth.json"
    file.write_text(json.dumps(truth))
    metric = ExactCocoMetric(ann_file=str(file), **{"metric": ["bbox", "segm"], **change})
    metric.plain = plain
    metric.dataset_meta = {"classes": names or [one["name"] for one in truth["categories"]]}
    copies = [{**one, "masks": [dict(mask) for mask in one["masks"]]} for one in results]
    return metric.compute_metrics([({}, one) for one in copies]), metric.per_sample


def same(path: Path, truth: Any, results: Any, **change: Any) -> dict[str, float]:
    fast, fast_kept = judge(path, truth, results, False, **change)
    plain, plain_kept = judge(path, truth, results, True, **change)
    assert list(fast) == list(plain)
    for key, value in plain.items():
        assert fast[key] == pytest.approx(value, rel=0, abs=1e-12), key
    assert list(fast_kept) == list(plain_kept)
    for key, kept in plain_kept.items():
        assert fast_kept[key].dtype == kept.dtype, key
        assert np.array_equal(fast_kept[key], kept), key
    return fast


@needs_hotcoco
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("classes", [1, 4, 30])
def test_random_sets(tmp_path: Path, seed: int, classes: int) -> None:
    truth, results = detections(40, 30, classes, seed=seed)
    crowds = sum(one["iscrowd"] for one in truth["annotations"])
    scores = np.concatenate([one["scores"] for one in results])
    assert crowds and len(np.unique(scores)) < len(scores)
    found = same(tmp_path, truth, results)
    assert 0 < found["bbox_mAP"] < 1


@needs_hotcoco
def test_more_detections_than_count(tmp_path: Path) -> None:
    truth, results = detections(3, 400, 2, truths=30)
    same(tmp_path, truth, results, proposal_nums=(1, 10, 100))


@needs_hotcoco
def test_equal_overlaps_and_full_ones(tmp_path: Path) -> None:
    """Twice the same truth, a crowd on both, and detections that cover them exactly."""
    truth, results = detections(6, 12, 3, seed=3)
    for one in list(truth["annotations"]):
        for crowd in (0, 1):
            again = {**one, "id": len(truth["annotations"]) + 1, "iscrowd": crowd}
            truth["annotations"].append(again)
    for result in results:
        own = [one for one in truth["annotations"] if one["image_id"] == result["img_id"]][:12]
        for place, one in enumerate(own):
            x, y, w, h = one["bbox"]
            result["bboxes"][place] = (x, y, x + w, y + h)
            result["labels"][place] = one["category_id"] - 1
            result["masks"][place] = {
                **one["segmentation"],
                "counts": one["segmentation"]["counts"].encode(),
            }
    same(tmp_path, truth, results)


@needs_hotcoco
def test_some_of_the_classes_in_another_order_and_images_without_detections(tmp_path: Path) -> None:
    truth, results = detections(20, 20, 5)
    for result in results[::3]:
        for name in ("bboxes", "scores", "labels", "masks"):
            result[name] = result[name][:0]
    for result in results:
        result["labels"] = result["labels"] % 2
    same(tmp_path, truth, results, names=["class 4", "class 2"])


@needs_hotcoco
def test_masks_with_scores_of_their_own_and_polygons(tmp_path: Path) -> None:
    truth, results = detections(20, 20, 5)
    rng = np.random.default_rng(0)
    for one in truth["annotations"]:
        x, y, w, h = one["bbox"]
        if not one["iscrowd"]:
            one["segmentation"] = [[x, y, x + w, y, x + w / 2, y + h], [x, y, x + w, y, x, y + h]]
    for result in results:
        result["mask_scores"] = rng.uniform(size=20).astype(np.float32)
    same(tmp_path, truth, results)


@needs_hotcoco
def test_other_thresholds(tmp_path: Path) -> None:
    truth, results = detections(20, 20, 5)
    same(tmp_path, truth, results, iou_thrs=np.array([0.3, 0.5, 0.75, 1.0]))


def test_without_hotcoco_pycocotools_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth, results = detections(10, 10, 3)
    monkeypatch.setattr(exact_metrics, "available", lambda: False)
    monkeypatch.setattr(exact_metrics, "FastCoco", None)
    assert judge(tmp_path, truth, results, False)[0] == judge(tmp_path, truth, results, True)[0]


def test_nothing_detected_is_left_to_mmdet(tmp_path: Path) -> None:
    truth, results = detections(4, 10, 3)
    empty = [{**one, "bboxes": np.zeros((0, 4)), "scores": np.zeros(0), "labels": np.zeros(0, int),
              "masks": []} for one in results]  # fmt: skip
    found, kept = judge(tmp_path, truth, empty, False)
    assert found == {} and len(kept["gt_count"]) > 0
