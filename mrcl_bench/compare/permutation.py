"""An exact test without a model of the spread, where methods were judged under the same seeds."""

from __future__ import annotations

from collections.abc import Sequence

RESAMPLES = 9999
"""More sign flips than that are drawn, not enumerated: from 14 seeds on."""
SEED = 0


def sign_flips(values: Sequence[float], base: Sequence[float]) -> float | None:
    """Returns the p value of a paired permutation test over seeds, two-sided.

    Under the null hypothesis each seed's two runs could as well have been swapped. All images
    judge both runs, so that the pairs are over the same images too. With S seeds p is at least
    2 / 2**S: five can never reach 5 %.

    Args:
        values: Metric of the one method's run under each seed.
        base: Of the other's, under the same seeds in the same order.

    Returns:
        p; None with fewer than two seeds.
    """
    if len(values) < 2:
        return None
    import numpy as np
    from scipy.stats import permutation_test

    found = permutation_test(
        (np.asarray(values), np.asarray(base)),
        _mean_difference,
        permutation_type="samples",
        vectorized=True,
        n_resamples=RESAMPLES,
        rng=np.random.default_rng(SEED),
    )
    return float(found.pvalue)


def _mean_difference(a, b, axis=-1):  # type: ignore[no-untyped-def]
    return (a - b).mean(axis=axis)
