"""Real records: what is the same is rarely called different, and what differs is found.

Larger numbers and more cases: `tools/aa_rates.py`, whose output docs/statistics.md shows.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tools.aa_rates import (
    POOLS,
    aa_halves,
    aa_methods,
    packed_pools,
    planted,
    pools_of_records,
    rates,
    true_error,
)

RESULTS = Path(__file__).resolve().parent.parent / "results"
TABLES = 1000


@pytest.fixture(scope="module")
def pools():
    return packed_pools()


def test_same_weights_halves_of_the_committed_seeds() -> None:
    found = rates(aa_halves(pools_of_records(RESULTS), TABLES, np.random.default_rng(0)))
    assert found.crossed <= 0.06 and found.welch <= 0.06
    assert found.images > 0.2  # why images alone are no test: seeds move them together


@pytest.mark.parametrize("seeds", [2, 5, 10])
def test_same_weights_one_method_and_three_baselines(pools, seeds: int) -> None:
    found = rates(aa_methods(pools, TABLES, seeds, np.random.default_rng(1)))
    assert found.crossed <= 0.06 and found.welch <= 0.06


def test_no_true_difference_between_other_weights(pools) -> None:
    found = rates(planted(pools, TABLES, 5, 0.0, np.random.default_rng(2)))
    assert found.crossed <= 0.06
    assert found.welch > 0.06  # it speaks of the images at hand only


@pytest.mark.parametrize(
    ("errors", "seeds", "least"), [(2.0, 5, 0.45), (2.0, 20, 0.5), (5.0, 5, 0.99)]
)
def test_a_planted_difference_is_found(pools, errors: float, seeds: int, least: float) -> None:
    """No exact 5 % test can find two standard errors in more than 51.6 % of the cases."""
    found = rates(planted(pools, TABLES, seeds, errors, np.random.default_rng(3)))
    assert found.crossed >= least


def test_the_true_error_is_the_spread_of_simulated_differences(pools) -> None:
    place = next(iter(pools))
    a, b = pools[place].values()
    tables = planted({place: pools[place]}, 2000, 5, 0.0, np.random.default_rng(4))
    spread = np.std([rows[0][0].value for rows in tables])
    assert spread == pytest.approx(true_error(a, b, 5), rel=0.06)


def test_pools_hold_the_committed_runs(pools) -> None:
    """The first five seeds of the pools are the committed records."""
    assert POOLS.stat().st_size < 200_000
    committed = pools_of_records(RESULTS)
    for place, found in pools.items():
        for recipe, runs in found.items():
            assert runs.shape[0] >= 40
            means = runs.mean(axis=1)
            assert all(m in means for m in committed[place][recipe].mean(axis=1))
