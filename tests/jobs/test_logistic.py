"""The batched solver finds scikit-learn's optimum, for all strengths."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")
from sklearn.linear_model import LogisticRegression  # noqa: E402

from mrcl_bench.errors import BenchError  # noqa: E402
from mrcl_bench.jobs import linear, logistic  # noqa: E402
from mrcl_bench.jobs.logistic import Logistic, fit_sweep  # noqa: E402

from .conftest import clusters, context, features  # noqa: E402

STRENGTHS = np.logspace(-5, 1, 12).tolist()


def correlated(
    number: int, width: int, classes: int, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Standardised features of falling spectrum, not separable, as a network gives them."""
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(np.random.default_rng(9).normal(size=(width, width)))[0]
    centres = np.random.default_rng(8).normal(size=(classes, width))
    y = rng.integers(0, classes, number)
    x = ((centres[y] + 2 * rng.normal(size=(number, width))) / np.arange(1, width + 1)) @ turn
    x = np.maximum(x + 0.05, 0)
    return (x - x.mean(axis=0)) / x.std(axis=0), y


def objective(
    weight: NDArray[Any], intercept: NDArray[Any], x: NDArray[Any], y: NDArray[Any], c: float
) -> float:
    """scikit-learn's, written down anew."""
    logits = x @ weight.T + intercept
    if logits.shape[1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)
    logits = logits - logits.max(axis=1, keepdims=True)
    own = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(y)), y]
    return float(own.sum() + (weight**2).sum() / (2 * c))


def as_sklearn(fit: Logistic) -> tuple[NDArray[Any], NDArray[Any]]:
    if len(fit.classes_) > 2:
        return fit.weight, fit.intercept
    return fit.weight[1:] - fit.weight[:1], fit.intercept[1:] - fit.intercept[:1]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("classes", [2, 7])
def test_the_optimum_is_scikit_learns(dtype: str, classes: int) -> None:
    x, y = correlated(600, 40, classes)
    asked, truth = correlated(2000, 40, classes, seed=1)
    fits = fit_sweep(x, y, STRENGTHS, 1000, dtype)
    for strength, fit in zip(STRENGTHS, fits, strict=True):
        model = LogisticRegression(C=strength, max_iter=5000, tol=1e-7).fit(x, y)
        best = objective(model.coef_, model.intercept_, x, y, strength)
        mine = objective(*as_sklearn(fit), x, y, strength)
        assert mine == pytest.approx(best, rel=1e-6), strength
        assert fit.loss * len(y) == pytest.approx(best, rel=2e-6)
        assert abs(fit.score(asked, truth) - model.score(asked, truth)) <= 1e-3
        assert fit.converged and fit.steps > 0
        proba = fit.predict_proba(asked)
        assert proba == pytest.approx(model.predict_proba(asked), abs=0.01)
        assert fit.predict(asked) == pytest.approx(fit.classes_[proba.argmax(axis=1)])


def test_labels_need_not_begin_at_zero_nor_be_dense() -> None:
    x, y = correlated(300, 10, 3)
    names = np.array([4, 9, 70])
    fit, sparse = (fit_sweep(x, labels, [0.1], 500)[0] for labels in (y, names[y]))
    assert np.array_equal(sparse.classes_, names)
    assert np.array_equal(names[fit.predict(x)], sparse.predict(x))


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = correlated(300, 10, 3)
    whole = fit_sweep(x, y, [0.01, 1.0], 500, "float64")
    monkeypatch.setattr(logistic, "_LOGITS", 3 * 2 * 64)
    parts = fit_sweep(x, y, [0.01, 1.0], 500, "float64")
    for one, other in zip(whole, parts, strict=True):
        assert one.loss == pytest.approx(other.loss, rel=1e-9)


def test_columns_without_spread_and_more_columns_than_rows() -> None:
    x, y = correlated(50, 80, 3)
    x[:, 5] = 0
    fit = fit_sweep(x, y, [0.01], 500, "float64")[0]
    model = LogisticRegression(C=0.01, max_iter=5000, tol=1e-8).fit(x, y)
    assert fit.weight == pytest.approx(model.coef_, abs=1e-4)


def test_too_few_steps_are_told() -> None:
    x, y = correlated(300, 30, 5)
    fit = fit_sweep(x, y, [10.0], 3)[0]
    assert fit.steps == 3 and not fit.converged


def _run(monkeypatch: pytest.MonkeyPatch, **change: Any) -> Any:
    feats = features(train=clusters(200), val=clusters(200, seed=1))
    monkeypatch.setattr(linear, "extract", lambda _: feats)
    block = {"held_out": 0.2, "inverse_l2": [1e-4, 1e-3, 1e-2, 1e-1], "max_iter": 300}
    return linear.run(context(0, probe={**block, **change}))


def test_the_probe_takes_either_solver(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, fast = _run(monkeypatch), _run(monkeypatch, solver="batched")
    assert "solver" not in plain.choices
    assert fast.choices["solver"] == "batched, float32"
    assert fast.choices["inverse_l2"] == plain.choices["inverse_l2"]
    assert fast.metrics == pytest.approx(plain.metrics, abs=1e-3)
    assert fast.arrays["val_score"] == pytest.approx(plain.arrays["val_score"], abs=0.01)
    assert any(
        "converged" in flag for flag in _run(monkeypatch, solver="batched", max_iter=1).flags
    )


def test_an_unknown_solver_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BenchError, match="sklern"):
        _run(monkeypatch, solver="sklern")
