"""SVMs on VOC's labels: average precision by hand, choices on trainval alone, a tiny devkit."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("mmpretrain")

from mrcl_bench.errors import BenchError  # noqa: E402
from mrcl_bench.jobs import svm, svm_low_shot  # noqa: E402

from .conftest import Bench, context, features  # noqa: E402

BLOCK: dict[str, Any] = {"folds": 3, "max_iter": 2000, "cost": [1e-3, 1e-1, 1.0]}
LOW = {"max_iter": 2000, "cost": [1e-3, 1e-1, 1.0], "shots": [1, 4]}


def labelled(count: int, seed: int, noise: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Features that point along every class that a picture shows; one label in 20 is difficult."""
    rng = np.random.default_rng(seed)
    there = rng.random((count, 3)) < 0.3
    x = np.concatenate([there, np.ones((count, 1))], axis=1) + noise * rng.normal(size=(count, 4))
    y = np.where(there, 1, -1)
    y[rng.random(y.shape) < 0.05] = 0
    return x.astype(np.float32), y.astype(np.int64)


TRAIN, VAL = labelled(300, 0), labelled(300, 1)


def _run(
    monkeypatch: pytest.MonkeyPatch,
    adapter: Any,
    block: dict[str, Any],
    seed: int = 0,
    **splits: Any,
) -> Any:
    monkeypatch.setattr(adapter, "extract", lambda _: features(**splits))
    return adapter.run(context(seed, svm=block))


def test_average_precision_by_hand() -> None:
    labels = np.array([1, -1, 1, 0, -1, 1])
    scores = np.array([0.9, 0.8, 0.7, 0.65, 0.6, 0.5])
    # hits at ranks 1, 3 and 5 of what is not difficult: 1, 2/3 and 3/5
    assert svm.average_precision(labels, scores) == pytest.approx((1 + 2 / 3 + 3 / 5) / 3)
    # precision never rises again: ranks 2 and 3 both count 2/3
    assert svm.average_precision(np.array([-1, 1, 1]), np.array([3.0, 2, 1])) == pytest.approx(
        2 / 3
    )
    with pytest.raises(BenchError, match="no picture"):
        svm.average_precision(np.array([-1, 0]), np.array([1.0, 2]))


def test_average_precision_of_chance_is_the_share_of_positives() -> None:
    rng = np.random.default_rng(0)
    labels = np.where(rng.random(20_000) < 0.2, 1, -1)
    assert svm.average_precision(labels, rng.random(20_000)) == pytest.approx(0.2, abs=0.02)


def test_what_is_there_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = _run(monkeypatch, svm, BLOCK, train=TRAIN, val=VAL)
    assert 0.6 < outcome.metrics["val/mAP"] < 1, "chance is 0.3"
    costs = outcome.choices["costs"].split()
    assert len(costs) == 3 and {float(cost) for cost in costs} <= set(BLOCK["cost"])
    scores, labels = outcome.arrays["val_scores"], outcome.arrays["val_labels"]
    assert svm.mean_precision(labels, scores) == pytest.approx(outcome.metrics["val/mAP"], abs=1e-6)


def test_the_choice_sees_trainval_only(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = VAL
    for adapter, block in ((svm, BLOCK), (svm_low_shot, LOW)):
        one = _run(monkeypatch, adapter, block, train=TRAIN, val=VAL)
        other = _run(monkeypatch, adapter, block, train=TRAIN, val=(-x, y))
        assert one.choices == other.choices
        assert one.metrics != other.metrics


def test_a_draw_holds_k_and_its_negatives_and_nothing_difficult() -> None:
    labels = TRAIN[1]
    drawn = svm_low_shot.draw(labels, 4, 0)
    assert (drawn == 1).sum(axis=0).tolist() == [4] * 3
    assert (drawn == -1).sum(axis=0).tolist() == [8] * 3
    assert np.array_equal(drawn[drawn != 0], labels[drawn != 0])
    assert np.array_equal(drawn, svm_low_shot.draw(labels, 4, 0))
    assert not np.array_equal(drawn, svm_low_shot.draw(labels, 4, 1))
    with pytest.raises(BenchError, match="k=200"):
        svm_low_shot.draw(labels, 200, 0)


def test_low_shot_chooses_on_what_was_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[tuple[int, np.ndarray]] = []
    real = svm_low_shot._precision

    def look(model: Any, x: Any, labels: np.ndarray) -> float:
        looked.append((len(x), labels))
        return real(model, x, labels)

    monkeypatch.setattr(svm_low_shot, "_precision", look)
    train = (TRAIN[0][:200], TRAIN[1][:200])
    outcome = _run(monkeypatch, svm_low_shot, LOW, train=train, val=VAL)
    assert set(outcome.metrics) == {"val/mAP_1", "val/mAP_4"}
    assert outcome.metrics["val/mAP_4"] > 0.35
    assert set(outcome.choices) == {"cost_1", "cost_4"}
    drawn = {k: svm_low_shot.draw(train[1], k, 0) for k in (1, 4)}
    held = [labels for count, labels in looked if count == 200]
    assert len(held) == 2 * 3 * 3
    for index, labels in enumerate(held):
        k, target = (1, 4)[index // 9], index // 3 % 3
        column = drawn[k][:, target]
        assert not labels[column != 0].any()
        assert np.array_equal(labels[column == 0], train[1][column == 0, target])


def test_more_pictures_are_better(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        _run(monkeypatch, svm_low_shot, {**LOW, "shots": [1, 16]}, seed, train=TRAIN, val=VAL)
        for seed in range(4)
    ]
    few, many = (np.mean([o.metrics[f"val/mAP_{k}"] for o in found]) for k in (1, 16))
    assert few < many


def test_a_tiny_devkit_from_pictures_on(bench: Bench, tmp_path: Path) -> None:
    from mrcl_bench.metrics import metric_of

    from .pictures import COLOURS, context_of, noisy

    rng, root = np.random.default_rng(0), tmp_path / "VOC2007"
    (root / "ImageSets" / "Main").mkdir(parents=True)
    given = context_of(bench, "knn", tmp_path)
    names = [f"c{index}" for index in range(len(COLOURS))]
    for split, dataset in (("trainval", "train"), ("test", "val")):
        shown = {f"{split}{i}": i % len(COLOURS) for i in range(40)}
        for picture, kind in shown.items():
            noisy(root / "JPEGImages" / f"{picture}.jpg", COLOURS[kind], rng)
        for index, name in enumerate(names):
            lines = [f"{picture} {1 if kind == index else -1}" for picture, kind in shown.items()]
            path = root / "ImageSets" / "Main" / f"{name}_{split}.txt"
            path.write_text("\n".join(lines))
        loader = given.config[f"{dataset}_dataloader"]
        pipeline = loader.dataset.pipeline
        loader.dataset = dict(
            type="VOCPresence", data_root=str(root), split=split, classes=names, pipeline=pipeline
        )
    given.config.svm = SimpleNamespace(**{**BLOCK, "cost": [0.1, 1.0, 10.0, 100.0]})
    outcome = svm.run(given)
    assert outcome.metrics["val/mAP"] > 0.6, "chance is 0.25"
    assert outcome.arrays["val_scores"].shape == (40, 4)
    assert outcome.load_report.loaded > 0
    assert metric_of("val/mAP").display == "mAP %"
    given.config.svm = SimpleNamespace(**LOW)
    assert set(svm_low_shot.run(given).metrics) == {"val/mAP_1", "val/mAP_4"}
