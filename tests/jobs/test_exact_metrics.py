"""Metrics keep their digits, and are the libraries' own otherwise."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("mmdet")
pytest.importorskip("mmseg")
from mmdet.evaluation.metrics import CocoMetric  # noqa: E402
from mmengine.config import ConfigDict  # noqa: E402
from mmseg.evaluation.metrics import IoUMetric  # noqa: E402

from mrcl_bench.jobs.exact_metrics import (  # noqa: E402
    ExactCocoMetric,
    ExactIoUMetric,
    use_exact,
)


def test_miou_against_a_plain_count() -> None:
    rng = np.random.default_rng(0)
    truth, guess = rng.integers(0, 3, (2, 5, 17, 13))
    samples = [
        {
            "pred_sem_seg": {"data": torch.from_numpy(g)[None]},
            "gt_sem_seg": {"data": torch.from_numpy(t)[None]},
        }
        for t, g in zip(truth, guess, strict=True)
    ]
    found = {}
    for metric in (IoUMetric(), ExactIoUMetric()):
        metric.dataset_meta = {"classes": ("a", "b", "c")}
        metric.process({}, samples)
        found[type(metric).__name__] = metric.evaluate(5)
    pairs = [((truth == c) & (guess == c), (truth == c) | (guess == c)) for c in range(3)]
    expected = 100 * np.mean([both.sum() / either.sum() for both, either in pairs])
    assert found["ExactIoUMetric"]["mIoU"] == pytest.approx(expected, rel=1e-6)
    assert found["ExactIoUMetric"]["mIoU"] != found["IoUMetric"]["mIoU"]
    for key, value in found["IoUMetric"].items():
        assert found["ExactIoUMetric"][key] == pytest.approx(value, abs=0.0051)


def test_coco_ap_against_pycocotools(tmp_path: Path) -> None:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    rng = np.random.default_rng(0)
    corner, side = rng.uniform(0, 60, (40, 2)), rng.uniform(10, 30, (40, 2))
    boxes = np.concatenate([corner, side], axis=1).round(1)
    truth = {
        "images": [{"id": i, "width": 100, "height": 100} for i in range(8)],
        "categories": [{"id": 1, "name": "thing"}],
        "annotations": [
            {"id": n + 1, "image_id": n % 8, "category_id": 1, "bbox": box.tolist(),
             "area": float(box[2] * box[3]), "iscrowd": 0}
            for n, box in enumerate(boxes)
        ],
    }  # fmt: skip
    path = tmp_path / "truth.json"
    path.write_text(json.dumps(truth))
    moved = boxes + rng.normal(0, 3, boxes.shape)
    scores = rng.uniform(size=40)
    found = {}
    for metric in (CocoMetric(ann_file=str(path)), ExactCocoMetric(ann_file=str(path))):
        metric.dataset_meta = {"classes": ("thing",)}
        for image in range(8):
            mine = np.arange(40) % 8 == image
            xyxy = np.concatenate([moved[mine, :2], moved[mine, :2] + moved[mine, 2:]], axis=1)
            predicted = {
                "bboxes": torch.from_numpy(xyxy),
                "scores": torch.from_numpy(scores[mine]),
                "labels": torch.zeros(int(mine.sum()), dtype=torch.long),
            }
            metric.process(
                {}, [{"img_id": image, "ori_shape": (100, 100), "pred_instances": predicted}]
            )
        found[type(metric).__name__] = metric.evaluate(8)
    coco = COCO(str(path))
    results = [
        {"image_id": n % 8, "category_id": 1, "bbox": box.tolist(), "score": float(scores[n])}
        for n, box in enumerate(moved)
    ]
    evaluation = COCOeval(coco, coco.loadRes(results), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    assert found["ExactCocoMetric"]["coco/bbox_mAP"] == pytest.approx(
        evaluation.stats[0], rel=1e-12
    )
    rounded = found["CocoMetric"]["coco/bbox_mAP"]
    assert rounded == round(rounded, 3) != found["ExactCocoMetric"]["coco/bbox_mAP"]
    assert found["ExactCocoMetric"]["coco/bbox_mAP"] == pytest.approx(rounded, abs=0.00051)


def test_only_known_metrics_are_replaced() -> None:
    config = ConfigDict(val_evaluator={"type": "CocoMetric"}, test_evaluator=[{"type": "Accuracy"}])
    use_exact(config)
    assert config.val_evaluator.type == "ExactCocoMetric"
    assert config.test_evaluator[0].type == "Accuracy"
