"""The linear probe learns what is there, and nothing where the labels are shuffled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mrcl_bench.jobs import linear
from mrcl_bench.jobs.features import Features, extract

from .conftest import Bench, clusters, context, features

BLOCK = {"held_out": 0.2, "inverse_l2": [1e-3, 1e-2, 1e-1], "max_iter": 200}
TRAIN, VAL, NOVEL = clusters(200), clusters(200, seed=1), clusters(200, seed=2)


def _run(monkeypatch: pytest.MonkeyPatch, feats: Features, seed: int = 0, **change: Any) -> Any:
    monkeypatch.setattr(linear, "extract", lambda _: feats)
    return linear.run(context(seed, probe={**BLOCK, **change}))


def _shuffled(
    run: Callable[[int, np.ndarray], Any], y: np.ndarray, rounds: int
) -> tuple[float, float]:
    """Mean val accuracy over shuffles of the training labels, and its standard error.

    The standard error is taken between shuffles: within one, images of a class are mistaken
    together, so that the binomial one would be far too small.
    """
    rng = np.random.default_rng(5)
    found = [run(seed, rng.permutation(y)).metrics["val/accuracy"] for seed in range(rounds)]
    return float(np.mean(found)), float(np.std(found, ddof=1) / np.sqrt(rounds))


def test_real_labels_are_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = _run(monkeypatch, features(train=TRAIN, val=VAL, novel=NOVEL))
    assert outcome.metrics["val/accuracy"] > 0.95
    assert outcome.metrics["novel/accuracy"] > 0.95
    assert outcome.arrays["val_correct"].mean() == outcome.metrics["val/accuracy"]
    assert outcome.cost.images_seen == 160


def test_shuffled_labels_bring_the_probe_to_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = TRAIN
    mean, error = _shuffled(
        lambda seed, labels: _run(
            monkeypatch, features(train=(x, labels), val=VAL), seed, inverse_l2=[1e-2]
        ),
        y,
        rounds=40,
    )
    assert error < 0.05
    assert abs(mean - 1 / 4) < 3 * error


def test_shuffled_labels_of_real_pictures_bring_the_probe_to_chance(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mrcl_bench.jobs.evaluate import run_evaluation

    kept: list[Features] = []

    def keep(given: Any) -> Features:
        kept.append(extract(given))
        return kept[-1]

    monkeypatch.setattr(linear, "extract", keep)
    assert run_evaluation(bench.request("linear"))
    feats = kept[0]
    real = _run(monkeypatch, feats, inverse_l2=[1e-2]).metrics["val/accuracy"]

    def run(seed: int, labels: np.ndarray) -> Any:
        changed = Features(feats.x, {**feats.y, "train": labels}, feats.images, feats.load_report)
        return _run(monkeypatch, changed, seed, inverse_l2=[1e-2])

    mean, error = _shuffled(run, feats.y["train"], rounds=30)
    assert abs(mean - 1 / 12) < 3 * error
    assert real > mean + 6 * error


def test_the_choice_sees_neither_val_nor_novel(monkeypatch: pytest.MonkeyPatch) -> None:
    train = clusters(120, noise=6.0)
    one = _run(monkeypatch, features(train=train, val=VAL, novel=NOVEL))
    x, y = VAL
    other = _run(monkeypatch, features(train=train, val=(-x, 3 - y), novel=(x * 9, y)))
    assert one.choices == other.choices
    assert one.metrics != other.metrics


def test_the_scaler_sees_the_fitted_part_only(monkeypatch: pytest.MonkeyPatch) -> None:
    from mrcl_bench.jobs.features import held_out

    x, y = clusters(100, noise=4.0)
    hidden = held_out(y, 0.2, 0)
    spoiled = x.copy()
    spoiled[hidden] *= 1000
    one = _run(monkeypatch, features(train=(x, y), val=VAL), inverse_l2=[1e-2])
    other = _run(monkeypatch, features(train=(spoiled, y), val=VAL), inverse_l2=[1e-2])
    assert np.array_equal(one.arrays["val_correct"], other.arrays["val_correct"])


def test_the_choice_is_the_best_of_the_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    train = clusters(120, noise=8.0)
    sweep = [1e-5, 1e-2, 1e2]
    feats = features(train=train, val=VAL)
    alone = {
        strength: _run(monkeypatch, feats, inverse_l2=[strength]).choices["held_out_accuracy"]
        for strength in sweep
    }
    choices = _run(monkeypatch, feats, inverse_l2=sweep).choices
    assert choices["held_out_accuracy"] == max(alone.values())
    assert alone[choices["inverse_l2"]] == max(alone.values())


def test_a_value_at_the_edge_is_flagged(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = _run(monkeypatch, features(train=TRAIN, val=VAL), inverse_l2=[1e-2])
    assert any("edge" in flag for flag in outcome.flags)


def test_the_same_seed_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    feats = features(train=clusters(120, noise=6.0), val=VAL)
    one, two = _run(monkeypatch, feats, seed=1), _run(monkeypatch, feats, seed=1)
    assert one.metrics == two.metrics
    held = {_run(monkeypatch, feats, seed=s).choices["held_out_accuracy"] for s in range(6)}
    assert len(held) > 1
