"""Two methods over the same images and some seeds each: difference, its error, and a test.

Every run of a method judges every image: seeds and images are crossed. The seeds are what is
repeated; a difference that other seeds would not repeat is none, and neither is one that other
images would not. With ``y(m, s, i)`` the result of method m under seed s on image i, the variance
of the difference of two means is the sum of

- the spread of each method's runs over its seeds, divided by their number (this holds what images
  and seeds do together, too), and
- how the methods' difference varies from image to image beyond what the seeds explain, divided by
  the number of images.

Runs differ at least as much as their disagreements with each other, image by image, make them
differ. This is known well from many images, and two or three seeds that happen to agree are not
taken for less.

Without per-image results the second part is unknown; then the test is Welch's, and it speaks of
these images only. Satterthwaite's degrees of freedom as in Welch (1947), Biometrika 34, 28-35; the
parts are the expected mean squares of a two-way random-effects analysis of variance (Searle,
Casella and McCulloch, Variance Components, 1992, chapter 4), a negative one counted as none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .stats import spread

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Units:
    """What image sampling does to the runs of one method.

    Attributes:
        values: (R, S): results of S runs on R images, or the metric of S runs on R resamples of
            the images. Equal rows of two methods are the same image or resample.
        scale: What makes the variance over rows the variance of a run's metric: 1/R for images,
            1 for resamples.
    """

    values: NDArray[np.float64]
    scale: float


@dataclass(frozen=True)
class Difference:
    """A difference of two methods' means, in native units.

    Attributes:
        value: Signed so that positive is better.
        error: Its standard error; None where a single seed leaves it unknown.
        df: Degrees of freedom of the error.
        low: Lower end of the confidence interval.
        high: Upper end.
        p: Two-sided; None where no error is known or nothing varies.
        effect: Cohen's d over seeds: the difference in pooled standard deviations of a run.
        seed_variance: Sum of the two methods' variances of a run.
        image_variance: The part that more seeds do not make smaller; None where it is unknown.
    """

    value: float
    error: float | None = None
    df: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    effect: float | None = None
    seed_variance: float | None = None
    image_variance: float | None = None


def difference(
    values: Sequence[float],
    base: Sequence[float],
    higher_is_better: bool = True,
    units: tuple[Units, Units] | None = None,
) -> Difference:
    """Compares two methods.

    Args:
        values: Metric of each run of the one.
        base: Metric of each run of the other.
        higher_is_better: Direction of the metric.
        units: Their per-image results, over the same images; None where they were not kept.
    """
    a, b = spread(values), spread(base)
    value = (a.mean - b.mean) if higher_is_better else (b.mean - a.mean)
    if a.std is None or b.std is None:
        return Difference(value)
    parts = [(a.std**2 / a.n, a.n - 1.0), (b.std**2 / b.n, b.n - 1.0)]
    seed_variance = a.std**2 + b.std**2
    image = None
    if units is not None:
        image = image_part(*units)
        least = math.fsum(interaction(side) / side.values.shape[1] for side in units)
        found = math.fsum(part for part, _ in parts)
        if found < least:
            parts = [(part + (least - found) / 2, df) for part, df in parts]
            seed_variance = math.fsum(interaction(side) for side in units)
        parts.append((image, len(units[0].values) - 1.0))
    variance = math.fsum(part for part, _ in parts)
    pooled = math.sqrt((a.std**2 + b.std**2) / 2)
    effect = value / pooled if pooled > 0 else None
    if variance <= 0:  # nothing varies: no error can be told from no information
        return Difference(value, effect=effect, seed_variance=0.0, image_variance=image)
    df = variance**2 / math.fsum(part**2 / n for part, n in parts)
    error = math.sqrt(variance)
    from scipy.special import stdtr, stdtrit  # without scipy.stats, which is slow to import

    half = float(stdtrit(df, (1 + CONFIDENCE) / 2)) * error
    p = 2 * float(stdtr(df, -abs(value) / error))
    return Difference(value, error, df, value - half, value + half, p, effect, seed_variance, image)


def image_part(a: Units, b: Units) -> float:
    """Returns how much of the variance of a difference is due to images beyond the seeds' share."""
    import numpy as np

    raw = a.scale * float(np.var(a.values.mean(axis=1) - b.values.mean(axis=1), ddof=1))
    shared = math.fsum(interaction(side) / side.values.shape[1] for side in (a, b))
    return max(0.0, raw - shared)


def interaction(units: Units) -> float:
    """Returns the variance of a run's metric that images and seeds cause together."""
    import numpy as np

    values = units.values
    rows, runs = values.shape
    if runs < 2:
        return 0.0
    left = values - values.mean(axis=1, keepdims=True) - values.mean(axis=0) + values.mean()
    return units.scale * float(np.sum(left * left)) / ((runs - 1) * (rows - 1))
