"""Evaluators and probes keep each image's result; the metric comes back from it."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("mmdet")
pytest.importorskip("mmseg")
pytest.importorskip("mmpretrain")
from mmengine.dist import collect_results  # noqa: E402

from mrcl_bench.jobs import knn, linear  # noqa: E402
from mrcl_bench.jobs.evaluators import kept  # noqa: E402
from mrcl_bench.jobs.exact_metrics import ExactCocoMetric, ExactIoUMetric  # noqa: E402
from mrcl_bench.jobs.kept_accuracy import KeptAccuracy  # noqa: E402
from mrcl_bench.jobs.scores import Shares, of_truth  # noqa: E402
from mrcl_bench.per_sample import PerSample  # noqa: E402

from ..factories import make_record  # noqa: E402
from ..per_sample.coco import SIDE, draw, evaluate  # noqa: E402
from .conftest import clusters, context, features  # noqa: E402


class Loop:
    """As much of mmengine's loop as `kept` reads."""

    def __init__(self, *metrics: Any) -> None:
        self.evaluator = type("Evaluator", (), {"metrics": metrics})()


def _results(metric: Any, values: dict[str, float]) -> PerSample:
    record = make_record(protocol="mask-rcnn_vit-t6_stamps", metrics=values)
    return PerSample(record, kept(Loop(metric), "val"))


def _coco(tmp_path: Path, drawn: Any, silent: bool = False) -> tuple[Any, dict[str, float]]:
    """Runs mmdet's metric on drawn detections; the ground truth goes through a file."""
    truth = evaluate(drawn).cocoGt
    path = tmp_path / "truth.json"
    data = {key: truth.dataset[key] for key in ("images", "categories")}
    annotations = [
        {k: v for k, v in one.items() if k not in ("ignore", "_ignore", "segmentation")}
        for one in truth.dataset["annotations"]
    ]
    for one in annotations:
        x, y, w, h = one["bbox"]
        one["segmentation"] = [[x, y, x + w, y, x + w, y + h, x, y + h]]
        if one["iscrowd"]:
            one["segmentation"] = _rle(one["segmentation"])
    path.write_text(json.dumps({**data, "annotations": annotations}))
    with contextlib.redirect_stdout(io.StringIO()):
        metric = ExactCocoMetric(ann_file=str(path), metric=["bbox", "segm"])
        metric.dataset_meta = {"classes": tuple(c["name"] for c in data["categories"])}
        for image, (_, found) in enumerate(drawn):
            found = [] if silent else found
            boxes = np.array([one["bbox"] for one in found]).reshape(-1, 4)
            masks = np.zeros((len(found), SIDE, SIDE), dtype=bool)
            for mask, (x, y, w, h) in zip(masks, boxes.round().astype(int), strict=True):
                mask[max(y, 0) : y + h, max(x, 0) : x + w] = True
            boxes = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)
            predicted = {
                "bboxes": torch.from_numpy(boxes),
                "scores": torch.tensor([one["score"] for one in found]),
                "labels": torch.tensor([one["category_id"] - 1 for one in found]).long(),
                "masks": torch.from_numpy(masks),
            }
            sample = {"img_id": 1000 * image, "ori_shape": (SIDE, SIDE)}
            metric.process({}, [{**sample, "pred_instances": predicted}])
        values = metric.evaluate(len(drawn))
    return metric, {f"val/{key.split('/')[-1]}": value for key, value in values.items()}


def _rle(polygon: Any) -> dict[str, Any]:
    from pycocotools import mask

    made = mask.merge(mask.frPyObjects(polygon, SIDE, SIDE))
    return {"size": made["size"], "counts": made["counts"].decode()}


@pytest.mark.parametrize("seed", [0, 1])
def test_detection(tmp_path: Path, seed: int) -> None:
    metric, values = _coco(tmp_path, draw(seed))
    found = _results(metric, values)
    assert set(found.keys()) == {
        f"val/{kind}_{name}" for kind in ("bbox", "segm") for name in ("mAP", "mAP_50", "mAP_75")
    }
    for key in found.keys():  # noqa: SIM118
        assert 0 < values[key] < 1
        assert found.value(key) == pytest.approx(values[key], abs=1e-12)
    assert values["val/bbox_mAP"] != values["val/segm_mAP"]


def test_detection_without_a_prediction(tmp_path: Path) -> None:
    metric, values = _coco(tmp_path, draw(2), silent=True)
    assert values == {}
    keys = [f"val/{kind}_{name}" for kind in ("bbox", "segm") for name in ("mAP", "mAP_50")]
    found = _results(metric, dict.fromkeys(keys, 0.0))
    assert set(found.keys()) == set(keys)
    assert found.size(keys[0]) == 12
    assert {found.value(key) for key in keys} == {0.0}
    full, full_values = _coco(tmp_path, draw(2))
    key = "val/bbox_mAP"
    assert found.images_sha(key) == _results(full, full_values).images_sha(key)


def test_segmentation() -> None:
    rng = np.random.default_rng(0)
    truth, guess = rng.integers(0, 3, (2, 6, 17, 13))
    truth[rng.uniform(size=truth.shape) < 0.2] = 255
    metric = ExactIoUMetric()
    metric.dataset_meta = {"classes": ("a", "b", "c", "never there")}
    metric.process(
        {},
        [
            {
                "pred_sem_seg": {"data": torch.from_numpy(g)[None]},
                "gt_sem_seg": {"data": torch.from_numpy(t)[None]},
            }
            for t, g in zip(truth, guess, strict=True)
        ],
    )
    values = {f"val/{name}": value / 100 for name, value in metric.evaluate(6).items()}
    found = _results(metric, values)
    assert found.keys() == ("val/mIoU", "val/mAcc", "val/aAcc")
    for key, value in values.items():
        assert found.value(key) == pytest.approx(value, abs=1e-12)
    often = np.array([2, 0, 1, 0, 0, 3])
    truth, guess = np.repeat(truth, often, axis=0), np.repeat(guess, often, axis=0)
    seen = truth != 255
    ious = [
        ((truth == c) & (guess == c)).sum() / (((truth == c) | (guess == c)) & seen).sum()
        for c in range(3)
    ]
    assert found.value("val/mIoU", often) == pytest.approx(np.mean(ious))
    assert found.value("val/aAcc", often) == pytest.approx((truth == guess)[seen].mean())


def test_miou_of_more_pixels_than_float32_counts() -> None:
    """As ADE20K's val: the sum of 3,000 images of half a million pixels."""
    rng = np.random.default_rng(0)
    hit = rng.integers(0, 500_000, (3000, 2))
    off = rng.integers(0, 50_000, (3000, 2))
    label, guess = hit + off, hit + off[:, ::-1]
    results = [
        tuple(torch.from_numpy(v.astype(np.float32)) for v in (h, lab + g - h, g, lab))
        for h, lab, g in zip(hit, label, guess, strict=True)
    ]
    metric = ExactIoUMetric()
    metric.dataset_meta = {"classes": ("a", "b")}
    value = metric.compute_metrics(results)["mIoU"] / 100
    total = hit.sum(0)
    assert value == pytest.approx(np.mean(total / (label.sum(0) + guess.sum(0) - total)), abs=1e-12)
    assert _results(metric, {"val/mIoU": value}).value("val/mIoU") == pytest.approx(value, abs=1e-9)


def test_fine_tuning() -> None:
    rng = np.random.default_rng(0)
    scores = torch.from_numpy(rng.dirichlet(np.ones(5), 40).astype(np.float32))
    truth = torch.from_numpy(rng.integers(0, 5, 40))
    metric = KeptAccuracy(topk=(1, 5))
    metric.process(
        {}, [{"pred_score": s, "gt_label": t[None]} for s, t in zip(scores, truth, strict=True)]
    )
    value = metric.evaluate(40)["accuracy/top1"] / 100
    arrays = kept(Loop(metric), "val")
    assert np.array_equal(arrays["val_correct"], (scores.argmax(1) == truth).numpy())
    assert np.allclose(arrays["val_score"], scores.numpy()[np.arange(40), truth.numpy()])
    assert _results(metric, {"val/accuracy": value}).value("val/accuracy") == pytest.approx(value)


def test_fine_tuning_by_several_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes of a set of 7: mmengine interleaves them and drops the padding."""
    from mmengine.dist import dist

    truth = [torch.tensor([image % 3]) for image in range(7)]
    scores = torch.eye(3)[[0, 1, 2, 1, 1, 0, 0]] * 0.8 + 0.1
    parts = [
        [{"pred_score": scores[i % 7], "gt_label": truth[i % 7]} for i in range(rank, 8, 2)]
        for rank in (0, 1)
    ]
    monkeypatch.setattr(dist, "get_dist_info", lambda: (0, 2))
    monkeypatch.setattr(dist, "all_gather_object", lambda part: parts)
    together = collect_results(parts[0], 7, "gpu")
    metric = KeptAccuracy()
    value = metric.compute_metrics(together)["top1"]
    assert metric.per_sample["correct"].tolist() == [True, True, True, False, True, False, True]
    assert value == pytest.approx(500 / 7)


def test_the_probes_keep_the_score_of_the_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    train, val = clusters(120, noise=4.0), clusters(60, noise=4.0, seed=1)
    for adapter, blocks in (
        (linear, {"probe": {"held_out": 0.2, "inverse_l2": [1e-3, 1e-2], "max_iter": 200}}),
        (knn, {"knn": {"held_out": 0.25, "k": [5, 9], "temperature": 0.07}}),
    ):
        monkeypatch.setattr(adapter, "extract", lambda _: features(train, val=val, novel=val))
        model = {"backbone": {"type": "ResNet"}, "neck": None}
        arrays = adapter.run(context(model=model, **blocks)).arrays
        right, score = arrays["val_correct"], arrays["val_score"]
        assert score.shape == (60,)
        assert score.dtype == np.float32
        assert ((score >= 0) & (score <= 1)).all()
        assert right[score > 0.5].all()  # a majority wins
        assert not right[score < 1 / 4].any()  # less than its part of four classes never does
        assert np.array_equal(score, arrays["novel_score"])


def test_votes_come_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    bank, labels = clusters(80, noise=4.0)
    queries, truth = clusters(50, noise=4.0, seed=1)
    whole, parts = Shares(truth), Shares(truth)
    knn.predict(bank, labels, queries, [5], 0.07, whole.add)
    monkeypatch.setattr(knn, "_SIMILARITIES", 7 * len(bank))
    knn.predict(bank, labels, queries, [5], 0.07, parts.add)
    assert np.allclose(whole.of_truth, parts.of_truth, atol=1e-5)  # products round differently
    assert len(set(whole.of_truth.tolist())) > 5


def test_a_class_that_nobody_knows_has_no_score() -> None:
    shares = np.array([[0.25, 0.75], [0.5, 0.5], [0.0, 0.0]])
    found = of_truth(shares, np.array([3, 7, 1]), np.array([1, 3]))
    assert found.tolist() == [0.75, 0.0, 0.0]
