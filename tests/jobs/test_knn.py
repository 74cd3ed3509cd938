"""Weighted k-NN against a naive loop and scikit-learn; the choice of k sees train only."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mrcl_bench.errors import BenchError
from mrcl_bench.jobs import knn

from .conftest import clusters, context, features

BLOCK = {"held_out": 0.25, "k": [1, 3, 9], "temperature": 0.07}
MODEL = {"backbone": {"type": "ResNet"}, "neck": None}


def _naive(bank: Any, labels: Any, queries: Any, k: int, temperature: float) -> list[int]:
    """The definition, one query and one neighbour at a time."""
    out = []
    for query in queries.astype(np.float64):
        votes = [0.0] * (int(labels.max()) + 1)
        ranked = []
        for feature, label in zip(bank.astype(np.float64), labels, strict=True):
            cosine = feature @ query / np.sqrt((feature @ feature) * (query @ query))
            ranked.append((cosine, int(label)))
        ranked.sort(key=lambda pair: -pair[0])
        for cosine, label in ranked[:k]:
            votes[label] += np.exp(cosine / temperature)
        out.append(int(np.argmax(votes)))
    return out


@pytest.mark.parametrize("temperature", [0.07, 1.0])
@pytest.mark.parametrize("k", [1, 2, 7, 60])
def test_equals_the_naive_loop(k: int, temperature: float) -> None:
    bank, labels = clusters(60, noise=4.0)
    queries, _ = clusters(40, noise=4.0, seed=1)
    found = knn.predict(bank, labels, queries, [k], temperature)[k]
    assert found.tolist() == _naive(bank, labels, queries, k, temperature)


@pytest.mark.parametrize("k", [1, 5, 20])
def test_equals_scikit_learn(k: int) -> None:
    from sklearn.neighbors import KNeighborsClassifier

    bank, labels = clusters(200, noise=4.0)
    queries, _ = clusters(100, noise=4.0, seed=1)
    unit = bank / np.linalg.norm(bank, axis=1, keepdims=True)
    asked = queries / np.linalg.norm(queries, axis=1, keepdims=True)
    # between unit vectors cosine = 1 - distance^2 / 2
    reference = KNeighborsClassifier(
        n_neighbors=k, algorithm="brute", weights=lambda d: np.exp((1 - d**2 / 2) / 0.07)
    ).fit(unit, labels)
    found = knn.predict(bank, labels, queries, [k], 0.07)[k]
    assert np.array_equal(found, reference.predict(asked))


def test_several_k_from_one_sorting_and_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    bank, labels = clusters(80, noise=4.0)
    queries, _ = clusters(50, noise=4.0, seed=1)
    together = knn.predict(bank, labels, queries, [1, 5, 30], 0.07)
    monkeypatch.setattr(knn, "_SIMILARITIES", 7 * len(bank))
    for k, found in together.items():
        assert np.array_equal(found, knn.predict(bank, labels, queries, [k], 0.07)[k])


def test_length_of_a_feature_does_not_matter() -> None:
    bank, labels = clusters(60, noise=4.0)
    queries, _ = clusters(30, noise=4.0, seed=1)
    scale = np.random.default_rng(0).uniform(0.1, 10, size=(60, 1)).astype(np.float32)
    one = knn.predict(bank, labels, queries, [5], 0.07)[5]
    other = knn.predict(bank * scale, labels, queries * 3, [5], 0.07)[5]
    assert np.array_equal(one, other)


def test_a_zero_feature_is_no_nan() -> None:
    bank, labels = clusters(20)
    bank[0] = 0
    found = knn.predict(bank, labels, np.zeros((2, bank.shape[1]), np.float32), [3], 0.07)[3]
    assert set(found.tolist()) <= {0, 1, 2, 3}


def test_k_beyond_the_bank_is_refused() -> None:
    bank, labels = clusters(10)
    with pytest.raises(BenchError, match="k=11"):
        knn.predict(bank, labels, bank, [11], 0.07)


def _run(monkeypatch: pytest.MonkeyPatch, seed: int = 0, **splits: Any) -> Any:
    monkeypatch.setattr(knn, "extract", lambda _: features(**splits))
    return knn.run(context(seed, knn=BLOCK, model=MODEL))


def test_reports_val_and_novel(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = _run(
        monkeypatch,
        train=clusters(80),
        val=clusters(40, seed=1),
        novel=clusters(40, noise=6.0, seed=2),
    )
    assert outcome.metrics["val/accuracy"] > 0.95
    assert 0.25 < outcome.metrics["novel/accuracy"] < outcome.metrics["val/accuracy"]
    for split in ("val", "novel"):
        right = outcome.arrays[f"{split}_correct"]
        assert right.dtype == bool
        assert right.mean() == pytest.approx(outcome.metrics[f"{split}/accuracy"])


def test_the_choice_sees_neither_val_nor_novel(monkeypatch: pytest.MonkeyPatch) -> None:
    train = clusters(80, noise=5.0)
    one = _run(monkeypatch, train=train, val=clusters(40, seed=1), novel=clusters(40, seed=2))
    x, y = clusters(40, noise=5.0, seed=3)
    other = _run(monkeypatch, train=train, val=(x, 3 - y), novel=(x, np.roll(y, 1)))
    assert one.choices == other.choices
    assert one.metrics != other.metrics


def test_the_choice_is_the_best_on_the_held_out_part(monkeypatch: pytest.MonkeyPatch) -> None:
    from mrcl_bench.jobs.features import held_out

    x, y = clusters(200, noise=6.0)
    outcome = _run(monkeypatch, train=(x, y), val=(x, y))
    hidden = held_out(y, 0.25, 0)
    scores = {
        k: np.mean(np.array(_naive(x[~hidden], y[~hidden], x[hidden], k, 0.07)) == y[hidden])
        for k in BLOCK["k"]
    }
    assert outcome.choices["held_out_accuracy"] == pytest.approx(max(scores.values()))
    assert scores[outcome.choices["k"]] == max(scores.values())
    assert outcome.cost.images_seen == int((~hidden).sum())


def test_the_record_says_all_that_the_number_depends_on(monkeypatch: pytest.MonkeyPatch) -> None:
    choices = _run(monkeypatch, train=clusters(80), val=clusters(40, seed=1)).choices
    assert set(choices) == {"k", "temperature", "held_out_accuracy", "normalisation", "pooling"}
    assert choices["normalisation"] == "L2"
    assert choices["pooling"] == "last map"


@pytest.mark.parametrize(
    ("backbone", "neck", "said"),
    [
        ({"out_type": "cls_token"}, None, "cls_token"),
        (
            {"out_type": "featmap"},
            {"type": "GlobalAveragePooling"},
            "featmap, GlobalAveragePooling",
        ),
        ({}, {"type": "GlobalAveragePooling"}, "last map, GlobalAveragePooling"),
    ],
)
def test_pooling_in_words(backbone: Any, neck: Any, said: str) -> None:
    from mmengine.config import ConfigDict

    from mrcl_bench.jobs.features import pooling

    assert pooling(ConfigDict(model=dict(backbone=backbone, neck=neck))) == said
