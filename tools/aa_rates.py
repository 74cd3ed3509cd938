"""How often the tests of `compare` cry wolf, and what they find: measured on real records.

    python tools/aa_rates.py [--tables 10000]

A/A: all rows of a simulated table are the same weights under different seeds, so that whatever is
called different is called so wrongly. Planted: rows of two really different weights, moved apart
by a known multiple of the true standard error. Images are drawn anew, with replacement, for every
table. The rates that docs/statistics.md states come from here.

The runs are the committed records, and `results/seed-pools/small.npz`: correctness of 40 seeds of
two checkpoints under the probes (`--collect RESULTS` packed it from their records).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from mrcl_bench.atomic import write_atomic  # noqa: E402
from mrcl_bench.compare import load  # noqa: E402
from mrcl_bench.compare.crossed import Difference, Units, difference  # noqa: E402
from mrcl_bench.compare.holm import holm  # noqa: E402
from mrcl_bench.per_sample import load as load_samples  # noqa: E402

POOLS = ROOT / "results" / "seed-pools" / "small.npz"
MANY = 40
"""Seeds of a pool: a table draws up to 20."""
ALPHA = 0.05
Correct = NDArray[np.bool_]
"""(seeds, images): what each run got right."""


@dataclass(frozen=True)
class Rates:
    """Shares of simulated tables.

    Attributes:
        crossed: With per-image results: images and seeds.
        welch: From the records alone: seeds.
        images: A paired test over images with the seeds as they are.
    """

    crossed: float
    welch: float
    images: float = float("nan")

    def __str__(self) -> str:
        return f"crossed {self.crossed:6.1%}   Welch {self.welch:6.1%}   images {self.images:6.1%}"


def pools_of_records(results: Path, profile: str = "small") -> dict[str, dict[str, Correct]]:
    """Returns protocol and metric to recipe to the correctness of its committed seeds."""
    pools: dict[str, dict[str, list[Correct]]] = {}
    for path, record in load(results, profile).records[profile].items():
        samples = load_samples(path, record)
        for key in samples.keys() if samples is not None else ():
            correct = samples.correct(key) if samples is not None else None
            if correct is not None:
                place = pools.setdefault(f"{record.protocol.name} {key}", {})
                place.setdefault(record.recipe.name, []).append(correct)
    return {
        place: {recipe: np.stack(runs) for recipe, runs in found.items()}
        for place, found in pools.items()
    }


def packed_pools(path: Path = POOLS) -> dict[str, dict[str, Correct]]:
    """Returns the pools of many seeds, like `pools_of_records`."""
    pools: dict[str, dict[str, Correct]] = {}
    with np.load(path) as stored:
        for name in stored.files:
            if name.endswith("|images"):
                continue
            place, recipe = name.split("|")
            images = int(stored[f"{place}|images"])
            bits = np.unpackbits(stored[name], axis=1)[:, :images]
            pools.setdefault(place, {})[recipe] = bits.astype(np.bool_)
    return pools


def collect(results: Path, to: Path = POOLS) -> None:
    """Packs the correctness of the runs of a results folder, of those with many seeds."""
    arrays: dict[str, NDArray[np.generic]] = {}
    for place, found in pools_of_records(results).items():
        for recipe, runs in found.items():
            if len(runs) < MANY:
                continue
            arrays[f"{place}|{recipe}"] = np.packbits(runs, axis=1)
            arrays[f"{place}|images"] = np.array(runs.shape[1])
    write_atomic(to, lambda file: np.savez_compressed(file, **arrays))


def compared(a: Correct, b: Correct, shift: float = 0.0) -> tuple[Difference, Difference, float]:
    """Returns the crossed and Welch's comparison of two sets of runs, and p over images alone."""
    from scipy.special import ndtr

    x, y = a.astype(np.float64) + shift, b.astype(np.float64)
    units = Units(x.T, 1 / x.shape[1]), Units(y.T, 1 / y.shape[1])
    values, base = x.mean(axis=1).tolist(), y.mean(axis=1).tolist()
    both = difference(values, base, units=units)
    each = x.mean(axis=0) - y.mean(axis=0)
    error = np.sqrt(each.var(ddof=1) / len(each))  # 0 where both drew the same runs
    z = each.mean() / error if error > 0 else 0.0
    return both, difference(values, base), 2 * float(ndtr(-abs(z)))


def rates(tables: Iterator[list[tuple[Difference, Difference, float]]]) -> Rates:
    """Returns the share of tables in which anything is called different, after Holm."""
    hits = []
    for rows in tables:
        by_test = ([r[0].p for r in rows], [r[1].p for r in rows], [r[2] for r in rows])
        hits.append([any(p is not None and p <= ALPHA for p in holm(test)) for test in by_test])
    return Rates(*np.mean(hits, axis=0).tolist())


def aa_halves(
    pools: dict[str, dict[str, Correct]], tables: int, rng: np.random.Generator
) -> Iterator[list[tuple[Difference, Difference, float]]]:
    """Tables of one row for each recipe: two disjoint halves of its own seeds."""
    places = sorted(pools)
    for number in range(tables):
        rows = []
        found = pools[places[number % len(places)]]
        images = next(iter(found.values())).shape[1]
        drawn = rng.integers(0, images, images)
        for recipe in sorted(found):
            runs = found[recipe][:, drawn]
            order = rng.permutation(len(runs))
            half = len(runs) // 2
            rows.append(compared(runs[order[:half]], runs[order[half:]]))
        yield rows


def aa_methods(
    pools: dict[str, dict[str, Correct]],
    tables: int,
    seeds: int,
    rng: np.random.Generator,
    methods: int = 4,
) -> Iterator[list[tuple[Difference, Difference, float]]]:
    """Tables of one method with baselines, all of them disjoint seeds of one recipe."""
    places = [(place, recipe) for place in sorted(pools) for recipe in sorted(pools[place])]
    for number in range(tables):
        place, recipe = places[number % len(places)]
        runs = pools[place][recipe]
        drawn = rng.integers(0, runs.shape[1], runs.shape[1])
        order = rng.permutation(len(runs))[: seeds * methods].reshape(methods, seeds)
        first, *others = (runs[np.ix_(which, drawn)] for which in order)
        yield [compared(first, other) for other in others]


def planted(
    pools: dict[str, dict[str, Correct]],
    tables: int,
    seeds: int,
    errors: float,
    rng: np.random.Generator,
    same_weights: bool = False,
) -> Iterator[list[tuple[Difference, Difference, float]]]:
    """Tables of one comparison whose true difference is a multiple of its standard error.

    Seeds are drawn with replacement: the pool stands for all seeds.

    Args:
        pools: See `packed_pools`.
        tables: How many.
        seeds: Seeds of each of the two.
        errors: True difference in true standard errors of the estimated difference.
        rng: Source of draws.
        same_weights: Move a recipe away from itself, not from another one.
    """
    pairs = []
    for place in sorted(pools):
        names = sorted(pools[place])
        pairs += [
            (pools[place][a], pools[place][b])
            for a in names
            for b in names
            if (a == b) == same_weights
        ]
    shifts = [errors * true_error(a, b, seeds) - a.mean() + b.mean() for a, b in pairs]
    for number in range(tables):
        (a, b), shift = pairs[number % len(pairs)], shifts[number % len(pairs)]
        drawn = rng.integers(0, a.shape[1], a.shape[1])
        ours = a[np.ix_(rng.integers(0, len(a), seeds), drawn)]
        theirs = b[np.ix_(rng.integers(0, len(b), seeds), drawn)]
        yield [compared(ours, theirs, shift)]


def true_error(a: Correct, b: Correct, seeds: int) -> float:
    """Returns the exact standard deviation of the difference over draws of seeds and images."""
    images = a.shape[1]
    variance = (a.mean(axis=0) - b.mean(axis=0)).var() / images
    for runs in (a.astype(np.float64), b.astype(np.float64)):
        # Over draws of seeds: of the mean over all images, and of what an image draw does to it.
        variance += runs.mean(axis=1).var() / seeds
        left = runs - runs.mean(axis=0) - runs.mean(axis=1, keepdims=True) + runs.mean()
        variance += (left**2).mean() / images / seeds
    return float(np.sqrt(variance))


def main() -> None:
    """Prints the rates."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tables", type=int, default=10_000)
    parser.add_argument("--collect", type=Path)
    given = parser.parse_args()
    if given.collect:
        collect(given.collect)
        return
    rng = np.random.default_rng(0)
    n = given.tables
    committed, pools = pools_of_records(ROOT / "results"), packed_pools()
    print(f"A/A, halves of the committed seeds  {rates(aa_halves(committed, n, rng))}")
    for seeds in (2, 3, 5, 10):
        print(f"A/A, {seeds:2} seeds, 3 baselines        {rates(aa_methods(pools, n, seeds, rng))}")
    for same in (False, True):
        for errors in (0.0, 2.0, 5.0):
            for seeds in (2, 3, 5, 10, 20):
                found = rates(planted(pools, n, seeds, errors, rng, same))
                what = "same weights" if same else "other weights"
                print(f"planted {errors:g} errors, {seeds:2} seeds, {what:13} {found}", flush=True)


if __name__ == "__main__":
    main()
