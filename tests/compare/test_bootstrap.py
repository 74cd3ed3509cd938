from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from mrcl_bench.compare import bootstrap, build, load, summarise
from mrcl_bench.compare.bootstrap import (
    LEAST_RESAMPLES,
    Runs,
    counts,
    image_draws,
    over_seeds,
    percentile,
)
from mrcl_bench.compare.evidence import gather
from mrcl_bench.compare.pairs import compare_methods
from mrcl_bench.per_sample import PerSample
from tests.factories import make_record, save

IMAGES, KEY = 200, "val/accuracy"
MRCL, MAE = "mrcl_vit-t6_tiny", "mae_vit-t6_tiny"


def sample(correct: np.ndarray, seed: int = 0, recipe: str = MRCL, **more: object) -> PerSample:
    record = make_record(recipe=recipe, seed=seed, metrics={KEY: float(correct.mean())}, **more)
    return PerSample(record, {"val_correct": correct})


def two(rng: np.random.Generator, seeds: int = 3) -> dict[str, Runs]:
    ease = rng.random(IMAGES)
    return {
        name: Runs(
            tuple(range(seeds)),
            tuple(sample(rng.random(IMAGES) < ease + up, s, name) for s in range(seeds)),
        )
        for name, up in ((MRCL, 0.1), (MAE, 0.0))
    }


@pytest.mark.parametrize("entries", [2**22, 7 * IMAGES])
def test_interval_is_scipys_on_the_same_resamples(
    entries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One seed: images alone. scipy draws its indices from the same generator, all at once."""
    monkeypatch.setattr(bootstrap, "_ENTRIES", entries)
    runs = two(np.random.default_rng(0), seeds=1)
    draws = image_draws(runs, KEY, np.random.default_rng(7), resamples=1000)
    correct = [found.samples[0].correct(KEY) for found in runs.values()]
    x, y = (each.astype(float) for each in correct if each is not None)

    def mean_difference(a, b, axis=-1):  # type: ignore[no-untyped-def]
        return a.mean(axis=axis) - b.mean(axis=axis)

    for data, statistic, ours in (
        ((x,), np.mean, draws[MRCL][:, 0]),
        ((x, y), mean_difference, draws[MRCL][:, 0] - draws[MAE][:, 0]),
    ):
        scipys = stats.bootstrap(
            data,
            statistic,
            paired=True,
            n_resamples=1000,
            method="percentile",
            rng=np.random.default_rng(7),
        )
        assert ours == pytest.approx(scipys.bootstrap_distribution, abs=1e-6)
        interval = percentile(ours)
        assert interval is not None
        assert (interval.low, interval.high) == pytest.approx(
            tuple(scipys.confidence_interval), abs=1e-6
        )


class Slow:
    """A metric that is not a mean: squared accuracy, through weights alone."""

    def __init__(self, correct: np.ndarray) -> None:
        self._correct = correct
        self.calls = 0

    def size(self, key: str) -> int:
        return len(self._correct)

    def images_sha(self, key: str) -> str:
        return "same"

    def correct(self, key: str) -> None:
        return None

    def value(self, key: str, weights: np.ndarray) -> float:
        self.calls += 1
        return float((weights @ self._correct / weights.sum()) ** 2)


def test_any_metric_on_the_same_resamples_as_accuracy() -> None:
    runs = two(np.random.default_rng(0))
    fast = image_draws(runs, KEY, np.random.default_rng(3), resamples=50)
    slow = {
        name: Runs(found.seeds, tuple(Slow(s.correct(KEY)) for s in found.samples))  # type: ignore[arg-type,misc]
        for name, found in runs.items()
    }
    drawn = image_draws(slow, KEY, np.random.default_rng(3), resamples=50)
    for name in runs:
        assert drawn[name] == pytest.approx(fast[name] ** 2, abs=1e-6)


def test_time_bounds_the_resamples_and_too_few_give_no_interval() -> None:
    slow = {MRCL: Runs((0,), (Slow(np.ones(5)),))}  # type: ignore[arg-type]
    drawn = image_draws(slow, KEY, np.random.default_rng(0), resamples=10**9, seconds=0.05)
    assert 0 < len(drawn[MRCL]) < 10**6
    assert percentile(drawn[MRCL][: LEAST_RESAMPLES - 1, 0]) is None


def test_other_images_cannot_be_paired() -> None:
    rng = np.random.default_rng(0)
    runs = two(rng)
    elsewhere = sample(rng.random(IMAGES) < 0.5, 0, MAE, data={"sha256": "other"})
    with pytest.raises(ValueError, match="cannot be paired"):
        image_draws({**runs, MAE: Runs((0,), (elsewhere,))}, KEY, rng)


def test_counts() -> None:
    assert counts(np.array([[0, 0, 2], [1, 1, 1]])).tolist() == [[2, 0, 1], [0, 3, 0]]


def test_equal_seeds_are_drawn_together() -> None:
    draws = {MRCL: np.arange(12.0).reshape(4, 3), MAE: 10 + np.arange(12.0).reshape(4, 3)}
    seeds = {MRCL: (0, 1, 2), MAE: (0, 1, 2)}
    means = over_seeds(draws, seeds, np.random.default_rng(0))
    assert means[MAE] - means[MRCL] == pytest.approx(np.full(4, 10.0))
    other = over_seeds(draws, {**seeds, MAE: (3, 4, 5)}, np.random.default_rng(0))
    assert np.ptp(other[MAE] - other[MRCL]) > 0


def test_hierarchical_interval_covers_new_seeds_and_images() -> None:
    """Nominal 95 %; with few seeds the percentile interval is known to cover somewhat less."""
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(200):
        ease = rng.random(IMAGES)
        runs = {
            MRCL: Runs(
                tuple(range(6)),
                tuple(
                    sample(rng.random(IMAGES) < np.clip(ease + rng.normal(0, 0.02), 0, 1), s)
                    for s in range(6)
                ),
            )
        }
        draws = image_draws(runs, KEY, rng, resamples=300)
        found = percentile(over_seeds(draws, {MRCL: runs[MRCL].seeds}, rng)[MRCL])
        assert found is not None
        hits += found.low <= 0.5 <= found.high
    assert hits / 200 > 0.88


def saved(root: Path, rng: np.random.Generator, artifacts: bool = True) -> None:
    ease = rng.random(IMAGES)
    for recipe, up in ((MRCL, 0.15), (MAE, 0.0)):
        for seed in range(3):
            correct = rng.random(IMAGES) < ease + up
            record = make_record(
                recipe=recipe,
                seed=seed,
                metrics={KEY: float(correct.mean())},
                artifacts={"per_sample": f"seed{seed}.per_sample.npz"} if artifacts else {},
            )
            (path,) = save(root, record)
            np.savez(path.with_name(f"seed{seed}.per_sample.npz"), val_correct=correct)


def test_evidence_from_records(tmp_path: Path) -> None:
    saved(tmp_path, np.random.default_rng(0))
    results = load(tmp_path / "results")
    (summary,) = summarise(build(results.of("tiny")))
    evidence = gather(results, "tiny", summary, resamples=400)
    ((_, found),) = evidence.items()
    assert (found.images, found.resamples, found.lacking) == (IMAGES, 400, ())
    ((row,),) = (each.rows for each in compare_methods(summary, evidence))
    assert row.with_images and row.bootstrap is not None
    assert row.bootstrap.low < row.found.value < row.bootstrap.high
    assert row.p_flips is not None and row.p_flips >= 2 / 2**3
    plain = compare_methods(summary)[0].rows[0]
    assert plain.found.value == row.found.value and not plain.with_images
    assert plain.found.image_variance is None and row.found.image_variance is not None
    again = gather(results, "tiny", summary, resamples=400)
    assert (again[next(iter(again))].means[MRCL] == found.means[MRCL]).all()


def test_no_per_image_results_no_evidence(tmp_path: Path) -> None:
    saved(tmp_path, np.random.default_rng(0), artifacts=False)
    results = load(tmp_path / "results")
    (summary,) = summarise(build(results.of("tiny")))
    assert gather(results, "tiny", summary) == {}


def test_evidence_of_a_metric_that_is_no_mean(tmp_path: Path) -> None:
    """mIoU: what images do to a difference comes from resamples, not from single images."""
    rng = np.random.default_rng(0)
    images, classes = 60, 3
    labelled = rng.integers(50, 100, (images, classes))
    for recipe, share in ((MRCL, 0.7), (MAE, 0.4)):
        for seed in range(2):
            intersect = rng.binomial(labelled, share)
            predicted = labelled
            arrays = {
                "val_intersect": intersect,
                "val_predicted": predicted,
                "val_labelled": labelled,
            }
            union = (labelled + predicted - intersect).sum(axis=0)
            record = make_record(
                recipe=recipe,
                protocol="vit-t6_upernet_stamps",
                seed=seed,
                metrics={"val/mIoU": float(np.mean(intersect.sum(axis=0) / union))},
                artifacts={"per_sample": f"seed{seed}.per_sample.npz"},
            )
            (path,) = save(tmp_path, record)
            np.savez(path.with_name(f"seed{seed}.per_sample.npz"), **arrays)  # type: ignore[arg-type]
    results = load(tmp_path / "results")
    (summary,) = summarise(build(results.of("tiny")))
    evidence = gather(results, "tiny", summary, resamples=250)
    (found,) = evidence.values()
    assert found.units[MRCL].scale == 1.0 and found.units[MRCL].values.shape == (250, 2)
    mean = summary.columns[0].cells[MRCL].spread
    interval = found.interval(MRCL)
    assert mean is not None and interval is not None
    assert interval.low < mean.mean < interval.high
    ((row,),) = (each.rows for each in compare_methods(summary, evidence))
    assert row.with_images and row.verdict == "better"
