"""Accuracy from what is kept of each image, and what is said when it cannot be had."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mrcl_bench.errors import BenchError
from mrcl_bench.per_sample import PerSample, load
from mrcl_bench.record import find_records, read_record

from ..factories import make_record

COMMITTED = Path(__file__).parents[2] / "results/records/small"


def kept(correct: list[bool], **more: object) -> PerSample:
    right = np.array(correct)
    record = make_record(metrics={"val/accuracy": float(right.mean())}, **more)
    return PerSample(record, {"val_correct": right})


def test_the_committed_records_accuracies_come_back() -> None:
    count = 0
    for path in find_records(COMMITTED):
        record = read_record(path)
        if record.protocol.family not in ("linear", "knn"):
            continue
        found = load(path, record)
        assert found is not None
        assert set(found.keys()) == {key for key in record.metrics if key.endswith("accuracy")}
        for key in found.keys():  # noqa: SIM118
            assert found.value(key) == pytest.approx(record.metrics[key], abs=1e-12)
            count += 1
    assert count > 100


def test_an_image_counts_as_often_as_its_weight() -> None:
    found = kept([True, False, False, True])
    assert found.size("val/accuracy") == 4
    assert found.value("val/accuracy") == 0.5
    assert found.value("val/accuracy", np.array([3, 1, 0, 1])) == pytest.approx(4 / 5)


@pytest.mark.parametrize(
    "weights", [np.array([1, 1]), np.zeros(3, int), np.array([2, -1, 1]), np.ones(3)]
)
def test_weights_that_are_no_counts_are_refused(weights: np.ndarray) -> None:
    with pytest.raises(ValueError, match="val/accuracy"):
        kept([True, False, True]).value("val/accuracy", weights)


def test_only_metrics_of_the_record_are_offered() -> None:
    arrays = {"val_correct": np.array([True]), "novel_correct": np.array([False])}
    record = make_record(metrics={"val/accuracy": 1.0})
    assert PerSample(record, arrays).keys() == ("val/accuracy",)


def test_the_images_are_known_by_data_and_split() -> None:
    key = "val/accuracy"
    one, other = kept([True, False]), kept([False, False], seed=1)
    assert one.images_sha(key) == other.images_sha(key)
    assert one.images_sha(key) != kept([True, False, True]).images_sha(key)
    elsewhere = kept([True, False], data={"sha256": "0" * 64})
    assert one.images_sha(key) != elsewhere.images_sha(key)


def test_a_record_without_a_file_has_none_and_a_missing_or_damaged_one_is_named(
    tmp_path: Path,
) -> None:
    path = tmp_path / "seed0.json"
    assert load(path, make_record()) is None
    record = make_record(artifacts={"per_sample": "seed0.per_sample.npz"})
    with pytest.raises(BenchError, match=r"seed0\.per_sample\.npz"):
        load(path, record)
    (tmp_path / "seed0.per_sample.npz").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(BenchError, match=r"seed0\.per_sample\.npz"):
        load(path, record)
