"""The order in which detections are matched."""

import numpy as np
import pytest

from mrcl_bench.per_sample import Objects, ranked


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_detections_are_ranked_by_category_image_and_score(kind: type) -> None:
    rng = np.random.default_rng(0)
    number = 4000
    score = rng.normal(size=number).round(1).astype(kind).astype(np.float64)  # ties
    score[:40], score[40:80], score[80] = 0.0, -0.0, np.inf
    image = rng.integers(0, 70_000, 40)[rng.integers(0, 40, number)]  # beyond 16 bits
    category = rng.integers(0, 3, number) * 40_000
    found = Objects(image, category, np.ones(number), score=score)

    order = ranked(found, most=20)

    keys = sorted(range(number), key=lambda i: (category[i], image[i], -score[i]))
    seen: dict[tuple[int, int], int] = {}
    expected = []
    for i in keys:
        group = int(category[i]), int(image[i])
        seen[group] = seen.get(group, 0) + 1
        if seen[group] <= 20:
            expected.append(i)
    assert len(expected) < number
    assert order.tolist() == expected
