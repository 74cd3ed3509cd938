"""Tests, corrections and power against scipy, textbooks and published examples."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from mrcl_bench.compare import build, gain, summarise
from mrcl_bench.compare.crossed import Units, difference, image_part, interaction
from mrcl_bench.compare.holm import holm
from mrcl_bench.compare.permutation import sign_flips
from mrcl_bench.compare.power import power, seeds_needed
from mrcl_bench.compare.ranking import critical_difference, ranking
from tests.factories import example, make_record, seeds

A, B = [0.81, 0.83, 0.80, 0.86], [0.78, 0.80, 0.79]


def test_holm_worked_example() -> None:
    # Ordered p times 4, 3, 2, 1, never falling: 0.02, 0.03, 0.06, 0.06.
    adjusted = holm([0.01, 0.04, 0.03, 0.005])
    assert adjusted == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9, None]) == (1.0, 1.0, None)
    assert holm([]) == ()


def test_holm_keeps_order_and_never_makes_p_smaller() -> None:
    p = np.random.default_rng(0).random(20).tolist()
    adjusted = holm(p)
    assert all(a is not None and a >= b for a, b in zip(adjusted, p, strict=True))
    assert [x for _, x in sorted(zip(p, adjusted, strict=True))] == sorted(adjusted)  # type: ignore[type-var]


def test_without_images_the_test_is_welch() -> None:
    found = difference(A, B)
    expected = stats.ttest_ind(A, B, equal_var=False)
    low, high = expected.confidence_interval(0.95)
    assert found.p == pytest.approx(expected.pvalue, rel=1e-10)
    assert found.df == pytest.approx(expected.df, rel=1e-10)
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert difference(A, B, higher_is_better=False).value == -found.value
    assert gain(A, B).p == found.p


def test_no_spread_no_test() -> None:
    assert difference([0.5], B).p is None
    assert difference([0.5, 0.5], [0.4, 0.4]).p is None


def runs(rng: np.random.Generator, count: int, images: int, quality: np.ndarray) -> Units:
    correct = rng.random((images, count)) < quality[:, None]
    return Units(correct.astype(float), 1 / images)


def test_crossed_error_is_that_of_new_images_and_new_seeds() -> None:
    """Two methods with other strengths: the variance over fresh draws of both is what is said."""
    rng = np.random.default_rng(0)
    values, said = [], []
    for _ in range(400):
        ease = rng.random(300)  # how easy each image is, drawn anew: images are a sample
        other = rng.random(300)
        a = runs(rng, 4, 300, ease)
        b = runs(rng, 4, 300, 0.5 * ease + 0.5 * other)
        found = difference(a.values.mean(0).tolist(), b.values.mean(0).tolist(), units=(a, b))
        values.append(found.value)
        assert found.error is not None
        said.append(found.error**2)
    assert np.mean(said) == pytest.approx(np.var(values), rel=0.2)


def test_images_that_only_seeds_move_are_no_part_of_their_own() -> None:
    rng = np.random.default_rng(1)
    quality = rng.random(3000)
    a, b = (runs(rng, 5, 3000, quality) for _ in range(2))
    part = interaction(a) / 5 + interaction(b) / 5
    assert image_part(a, b) < 0.15 * part
    # Bernoulli runs: what seeds and images do together is the mean of q (1 - q), over N.
    assert interaction(a) == pytest.approx(np.mean(quality * (1 - quality)) / 3000, rel=0.05)


def test_seeds_that_agree_by_chance_are_not_taken_for_certain() -> None:
    rng = np.random.default_rng(2)
    a, b = (runs(rng, 2, 500, np.full(500, 0.5)) for _ in range(2))
    same = [0.5, 0.5 + 1e-9]
    found = difference(same, [0.48, 0.48 + 1e-9], units=(a, b))
    assert found.error is not None and found.error**2 >= (interaction(a) + interaction(b)) / 2
    assert found.p is not None and found.p > 0.05


def test_resamples_say_the_same_as_images() -> None:
    rng = np.random.default_rng(3)
    ease = rng.random(800)
    a, b = runs(rng, 3, 800, ease), runs(rng, 3, 800, 1 - ease)
    weights = rng.multinomial(800, np.full(800, 1 / 800), size=4000) / 800
    draws = tuple(Units(weights @ each.values, 1.0) for each in (a, b))
    assert image_part(*draws) == pytest.approx(image_part(a, b), rel=0.1)


@pytest.mark.parametrize(("effect", "seeds"), [(0.2, 394), (0.5, 64), (0.8, 26)])
def test_seeds_needed_are_cohens(effect: float, seeds: int) -> None:
    """Cohen (1992), A power primer, table 2: 393, 64, 26 per group at 80 % and 5 %."""
    shift = math.sqrt(2) * effect  # the spread of -1 and 1 is the root of 2
    assert seeds_needed(difference([shift - 1, shift + 1], [-1.0, 1.0])) == seeds


def test_power_is_what_happens() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(1.0, 1, (4000, 6)), rng.normal(0, 1, (4000, 6))
    p = stats.ttest_ind(a, b, axis=1).pvalue
    assert power(1.0, 2.0, 0.0, 6) == pytest.approx(np.mean(p <= 0.05), abs=0.02)


def test_power_far_away_and_never() -> None:
    assert power(1e6, 2.0, 0.0, 2) == 1.0
    assert all(0 <= power(d, 2.0, 0.1, n) <= 1 for d in np.linspace(0, 40, 30) for n in (2, 5, 50))
    rng = np.random.default_rng(0)
    a, b = (runs(rng, 3, 60, rng.random(60)) for _ in range(2))
    found = difference(a.values.mean(0).tolist(), b.values.mean(0).tolist(), units=(a, b))
    assert abs(found.value) < 0.1 and seeds_needed(found) is None  # 60 images tell nothing


def test_more_comparisons_need_more_seeds() -> None:
    found = difference([0.80, 0.82, 0.84], [0.79, 0.80, 0.81])
    one, many = seeds_needed(found), seeds_needed(found, comparisons=30)
    assert one is not None and many is not None and many > one


def test_sign_flips_are_exact() -> None:
    assert sign_flips([1.0, 2.0, 3.0, 4.0], [0.0, 0.5, 0.1, 0.2]) == pytest.approx(2 / 2**4)
    assert sign_flips([0.1, 0.9], [0.2, 0.8]) == 1.0
    assert sign_flips([0.1], [0.2]) is None


def test_critical_difference_is_nemenyis() -> None:
    """Demšar (2006), table 5a: q of 2.343, 2.569 and 2.728 for 3, 4 and 5 classifiers."""
    for methods, q in ((3, 2.343), (4, 2.569), (5, 2.728)):
        expected = q * math.sqrt(methods * (methods + 1) / (6 * 14))
        assert critical_difference(methods, 14) == pytest.approx(expected, abs=1e-3)


def test_ranking_over_tasks() -> None:
    names = ("mrcl_vit-t6_tiny", "mae_vit-t6_tiny", "simclr_vit-t6_tiny")
    protocols = ("vit-t6_linear_stamps", "vit-t6_knn_stamps")
    records = [
        record
        for protocol in protocols
        for place, name in enumerate(names)
        for record in seeds([0.9 - 0.1 * place] * 2, recipe=name, protocol=protocol)
    ]
    found = ranking(summarise(build(records))[0])
    assert found is not None
    assert list(found.means.values()) == [1.0, 2.0, 3.0]
    scipy = stats.friedmanchisquare([1, 1], [2, 2], [3, 3]).pvalue
    assert found.friedman_p == pytest.approx(scipy)
    assert found.groups == (names,) if found.critical > 2 else ()
    assert ranking(summarise(build(records[:4]))[0]) is None


def test_ranking_needs_complete_columns() -> None:
    assert ranking(summarise(build(example()))[0]) is None  # one complete column of four
    assert ranking(summarise(build([make_record()]))[0]) is None
