"""Intervals over images and seeds by a hierarchical bootstrap, the same resample for everyone.

Images are drawn with replacement, and the same draw judges every run of every method, so that a
difference is one over the same images. Then seeds are drawn with replacement; methods whose runs
have the same seeds get the same draw, since a seed decides the same split or order for all of them.
Indices are drawn as `scipy.stats.bootstrap` draws them: on the same generator the two agree.

With few seeds a percentile interval is too narrow (a resample of S values has (S-1)/S of their
variance): it describes the spread, and verdicts are left to `mrcl_bench.compare.crossed`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..per_sample import PerSample

    Floats = NDArray[np.float64]

RESAMPLES = 2000
LEAST_RESAMPLES = 200
"""With fewer the ends of an interval are noise, and none is given."""
SECONDS = 20.0
"""For each column; only metrics that are slow to recompute (AP) ever need them."""
CONFIDENCE = 0.95
_ENTRIES = 2**22
"""Counts at a time: some 80 MiB with what is made from them."""


@dataclass(frozen=True)
class Runs:
    """The runs of one recipe with per-image results.

    Attributes:
        seeds: Their seeds, ascending.
        samples: Their per-image results, in the same order.
    """

    seeds: tuple[int, ...]
    samples: tuple[PerSample, ...]


@dataclass(frozen=True)
class Interval:
    """A percentile interval and how many resamples it comes from."""

    low: float
    high: float
    resamples: int


def image_draws(
    runs: Mapping[str, Runs],
    key: str,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    seconds: float = SECONDS,
) -> dict[str, Floats]:
    """Recomputes a metric of every run on the same resamples of the images.

    Args:
        runs: Recipe to runs; all over the same images in the same order.
        key: The metric, e.g. ``val/bbox_mAP``.
        rng: Source of the resamples.
        resamples: How many.
        seconds: Stop after so long; accuracy never needs it.

    Returns:
        Recipe to (R, S): the metric of S runs on R resamples, R equal for all of them.

    Raises:
        ValueError: The runs are not over the same images.
    """
    import numpy as np

    samples = [sample for found in runs.values() for sample in found.samples]
    if len({sample.images_sha(key) for sample in samples}) != 1:
        raise ValueError(f"{key}: runs over different images cannot be paired")
    images = samples[0].size(key)
    correct = _correctness(samples, key)
    end = time.monotonic() + seconds
    parts: list[Floats] = []
    done = 0
    batch = max(1, min(resamples, _ENTRIES // images)) if correct is not None else 1
    while done < resamples and (correct is not None or time.monotonic() < end):
        indices = rng.integers(0, images, size=(min(batch, resamples - done), images))
        if correct is not None:
            parts.append(counts(indices).astype(np.float32) @ correct / images)
        else:
            weights = counts(indices)[0]
            parts.append(np.array([[sample.value(key, weights) for sample in samples]]))
        done += len(indices)
    values = np.concatenate(parts).astype(np.float64)
    values = values[~np.isnan(values).any(axis=1)]  # a resample without any labelled object
    ends = np.cumsum([len(found.samples) for found in runs.values()])[:-1]
    return dict(zip(runs, np.split(values, ends, axis=1), strict=True))


def counts(indices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns how often each of N images occurs in each of R draws of N indices, (R, N)."""
    import numpy as np

    draws, images = indices.shape
    flat = indices + np.arange(draws)[:, None] * images
    return np.bincount(flat.ravel(), minlength=draws * images).reshape(draws, images)


def over_seeds(
    draws: Mapping[str, Floats], seeds: Mapping[str, tuple[int, ...]], rng: np.random.Generator
) -> dict[str, Floats]:
    """Resamples seeds within each resample of the images and takes the mean.

    Args:
        draws: From `image_draws`.
        seeds: Recipe to its runs' seeds; equal seeds get equal draws.
        rng: Source of the resamples.

    Returns:
        Recipe to (R,): the mean over the drawn seeds.
    """
    import numpy as np

    chosen: dict[tuple[int, ...], NDArray[np.int64]] = {}
    means = {}
    for name, values in draws.items():
        resamples, runs = values.shape
        which = seeds[name]
        if which not in chosen:
            chosen[which] = rng.integers(0, runs, size=(resamples, runs))
        means[name] = np.take_along_axis(values, chosen[which], axis=1).mean(axis=1)
    return means


def percentile(values: Floats, confidence: float = CONFIDENCE) -> Interval | None:
    """Returns the percentile interval of a bootstrap distribution; None with too few resamples."""
    import numpy as np

    if len(values) < LEAST_RESAMPLES:
        return None
    tail = (1 - confidence) / 2
    low, high = np.percentile(values, [100 * tail, 100 * (1 - tail)])
    return Interval(float(low), float(high), len(values))


def _correctness(samples: Sequence[PerSample], key: str) -> NDArray[np.float32] | None:
    """Returns (N, runs) where the metric is the mean of each image's correctness."""
    import numpy as np

    found = [sample.correct(key) for sample in samples]
    columns = [column for column in found if column is not None]
    if len(columns) < len(found):
        return None
    return np.stack(columns, axis=1).astype(np.float32)
