"""Frozen features: right shapes, cached by weights, pipeline and data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mrcl_bench.jobs import features

from .conftest import Bench


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names every encoding that is really done."""
    calls: list[str] = []
    real = features._encode

    def count(context: Any, splits: list[str]) -> dict[str, Any]:
        calls.append(context.job.protocol.family)
        return real(context, splits)

    monkeypatch.setattr(features, "_encode", count)
    return calls


def test_the_cache(bench: Bench, encoded: list[str]) -> None:
    first = bench.run("linear", "knn", seeds=(0, 1))
    assert [record.status for record in first] == ["completed"] * 4
    assert encoded == ["knn"] or encoded == ["linear"]  # one pipeline, one encoding
    again = bench.run("linear", "knn", seeds=(0, 1))
    assert len(encoded) == 1
    assert [record.metrics for record in again] == [record.metrics for record in first]
    assert all(record.load_report == first[0].load_report for record in again)

    def move(weights: dict[str, Any]) -> dict[str, Any]:
        return {key: value * 1.1 for key, value in weights.items()}

    bench.change_weights(move)
    other = bench.run("linear")
    assert len(encoded) == 2
    assert other[0].checkpoint != first[0].checkpoint


def test_arrays(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from mrcl_bench.jobs import linear

    kept: list[features.Features] = []

    def keep(context: Any) -> features.Features:
        kept.append(features.extract(context))
        return kept[-1]

    monkeypatch.setattr(linear, "extract", keep)
    bench.run("linear")
    found = kept[0]
    assert {split: x.shape for split, x in found.x.items()} == {
        "train": (120, 128),
        "val": (96, 128),
        "novel": (48, 128),
    }
    for split, x in found.x.items():
        assert x.dtype == np.float32
        assert np.isfinite(x).all()
        assert np.bincount(found.y[split], minlength=12).min() == len(x) // 12
    assert found.images == 264
