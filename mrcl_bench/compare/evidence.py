"""Per-image results of the runs that stand in a summary's columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .bootstrap import RESAMPLES, SECONDS, Runs, image_draws, over_seeds, percentile
from .crossed import Units
from .load import Results
from .matrix import Column
from .summary import Summary

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from .bootstrap import Interval

SEED = 0
"""Of the resamples: the same records give the same intervals."""


@dataclass(frozen=True)
class Evidence:
    """What per-image results say of one column.

    Attributes:
        images: Number of images.
        units: Recipe to what image sampling does to its runs.
        means: Recipe to the bootstrap distribution of its mean, paired between recipes.
        resamples: How many resamples that are.
        lacking: Recipes with values but without per-image results of all of them.
    """

    images: int
    units: Mapping[str, Units]
    means: Mapping[str, NDArray[np.float64]]
    resamples: int
    lacking: tuple[str, ...]

    def interval(self, recipe: str) -> Interval | None:
        """Returns the interval of a recipe's mean over images and seeds."""
        return percentile(self.means[recipe]) if recipe in self.means else None

    def paired(self, recipe: str, base: str) -> Interval | None:
        """Returns the interval of a difference of two recipes' means, uncorrected."""
        if recipe not in self.means or base not in self.means:
            return None
        return percentile(self.means[recipe] - self.means[base])


def gather(
    results: Results,
    profile: str,
    summary: Summary,
    resamples: int = RESAMPLES,
    seconds: float = SECONDS,
) -> dict[tuple[str, str], Evidence]:
    """Reads per-image results and resamples them.

    Args:
        results: What `load` read.
        profile: The summary's profile.
        summary: One backbone's main metrics.
        resamples: Of the images, at most.
        seconds: At most for one column.

    Returns:
        (protocol, metric) to evidence; without columns of which no image is known.
    """
    found = {}
    for column in summary.columns:
        evidence = _of_column(results, profile, column, resamples, seconds)
        if evidence is not None:
            found[column.protocol.name, column.key] = evidence
    return found


def _of_column(
    results: Results, profile: str, column: Column, resamples: int, seconds: float
) -> Evidence | None:
    import numpy as np

    runs, lacking = _runs(results, profile, column)
    if not runs:
        return None
    key = column.key
    rng = np.random.default_rng(SEED)
    draws = image_draws(runs, key, rng, resamples, seconds)
    units = {}
    for name, found in runs.items():
        correct = [sample.correct(key) for sample in found.samples]
        if all(each is not None for each in correct):
            values = np.stack([each for each in correct if each is not None], axis=1)
            units[name] = Units(values.astype(np.float64), 1 / len(values))
        else:
            units[name] = Units(draws[name], 1.0)
    means = over_seeds(draws, {name: found.seeds for name, found in runs.items()}, rng)
    images = next(iter(runs.values())).samples[0].size(key)
    return Evidence(images, units, means, len(next(iter(draws.values()))), lacking)


def _runs(
    results: Results, profile: str, column: Column
) -> tuple[dict[str, Runs], tuple[str, ...]]:
    """Returns the runs with per-image results, all over the same images, and who lacks them."""
    from ..per_sample import load

    folder = results.root / "records" / profile
    runs: dict[str, Runs] = {}
    lacking = []
    for name, cell in column.cells.items():
        samples = []
        for seed in cell.seeds:
            # A record's path is its identity; the loader saw to that.
            path = folder / name / column.protocol.name / f"seed{seed}.json"
            sample = load(path, results.records[profile][path])
            if sample is not None and column.key in sample.keys():
                samples.append(sample)
        if samples and len(samples) == len(cell.seeds):
            runs[name] = Runs(cell.seeds, tuple(samples))
        elif cell.values:
            lacking.append(name)
    shas = {
        name: {sample.images_sha(column.key) for sample in found.samples}
        for name, found in runs.items()
    }
    if not shas:
        return {}, tuple(lacking)
    # Equal data hashes mean equal images; whoever disagrees cannot be paired.
    every = [sha for found in shas.values() for sha in found]
    common = max(sorted(set(every)), key=every.count)
    lacking += [name for name, found in shas.items() if found != {common}]
    return {name: runs[name] for name in runs if shas[name] == {common}}, tuple(lacking)
