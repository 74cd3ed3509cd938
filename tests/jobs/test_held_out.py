"""The held-out part of train: balanced, the same for a seed, another for the next."""

from __future__ import annotations

import numpy as np
import pytest

from mrcl_bench.jobs.features import held_out

LABELS = np.repeat(np.arange(5), [10, 20, 30, 40, 50])


@pytest.mark.parametrize("share", [0.1, 0.2, 0.5])
def test_balanced_over_classes(share: float) -> None:
    mask = held_out(LABELS, share, seed=0)
    taken = [int(mask[LABELS == label].sum()) for label in range(5)]
    assert taken == [round(share * count) for count in (10, 20, 30, 40, 50)]


def test_a_seed_always_gives_the_same() -> None:
    assert np.array_equal(held_out(LABELS, 0.2, 3), held_out(LABELS, 0.2, 3))


def test_seeds_differ() -> None:
    masks = {held_out(LABELS, 0.2, seed).tobytes() for seed in range(10)}
    assert len(masks) == 10


def test_every_image_is_held_out_by_some_seed() -> None:
    hits = sum(held_out(LABELS, 0.2, seed).astype(int) for seed in range(100))
    assert hits.min() > 0
