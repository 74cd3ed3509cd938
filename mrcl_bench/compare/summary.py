"""Across the columns of a backbone: ranks and the gain over random initialisation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ..record import RecipeRef
from .crossed import difference
from .holm import holm
from .matrix import Cell, Column, Matrix, ranked_names
from .stats import Gain, same


@dataclass(frozen=True)
class Summary:
    """Main metrics of one backbone across tasks.

    Attributes:
        recipes: Rows, in the matrices' order.
        labels: Recipe name to row label.
        columns: One main-metric column per protocol.
        ranks: Recipe name to its rank per column (ties share the average rank); None where the
            column cannot be ranked because a ranked recipe's cell is not complete.
        gains: Recipe name to its gain over random initialisation per column.
        floor: The recipe that gains are measured from, if there is one.
    """

    backbone: str
    recipes: tuple[RecipeRef, ...]
    labels: Mapping[str, str]
    columns: tuple[Column, ...]
    ranks: Mapping[str, tuple[float | None, ...]]
    gains: Mapping[str, tuple[Gain | None, ...]]
    floor: RecipeRef | None

    def mean_rank(self, recipe: str) -> float | None:
        """Returns the mean over all columns, or None if a single one is missing."""
        ranks = [rank for rank in self.ranks[recipe] if rank is not None]
        if not ranks or len(ranks) < len(self.columns):
            return None
        return math.fsum(ranks) / len(ranks)


def summarise(matrices: Sequence[Matrix]) -> tuple[Summary, ...]:
    """Returns one summary per backbone, in the order of their first matrix."""
    by_backbone: dict[str, list[Matrix]] = {}
    for matrix in matrices:
        by_backbone.setdefault(matrix.backbone, []).append(matrix)
    return tuple(_summary(backbone, group) for backbone, group in by_backbone.items())


def _summary(backbone: str, matrices: Sequence[Matrix]) -> Summary:
    recipes, labels = matrices[0].recipes, matrices[0].labels
    columns = tuple(column for matrix in matrices for column in matrix.columns if column.main)
    ranked = ranked_names(recipes)
    by_column = [_ranks(column, ranked) for column in columns]
    ranks = {name: tuple(column.get(name) for column in by_column) for name in ranked}
    floor = next((recipe for recipe in recipes if recipe.role == "floor"), None)
    gains = {}
    if floor is not None:
        for recipe in recipes:
            if recipe != floor:
                gains[recipe.name] = tuple(
                    _gain(c.cells[recipe.name], c.cells[floor.name], c.metric.higher_is_better)
                    for c in columns
                )
    return Summary(backbone, recipes, labels, columns, ranks, _corrected(gains), floor)


def _ranks(column: Column, ranked: Sequence[str]) -> dict[str, float]:
    """Ranks a column, 1 the best; empty unless every ranked recipe's cell is complete.

    A rank among fewer competitors would flatter whoever is left.
    """
    means: dict[str, float] = {}
    for name in ranked:
        spread = column.cells[name].spread
        if column.cells[name].state != "measured" or spread is None:
            return {}
        means[name] = spread.mean
    sign = 1 if column.metric.higher_is_better else -1
    order = sorted(means, key=lambda name: -sign * means[name])
    ranks: dict[str, float] = {}
    while order:
        best = means[order[0]]
        tied = [name for name in order if same(means[name], best)]
        ranks |= dict.fromkeys(tied, len(ranks) + (len(tied) + 1) / 2)
        order = order[len(tied) :]
    return ranks


def _gain(cell: Cell, base: Cell, higher_is_better: bool) -> Gain | None:
    if cell.state != "measured" or base.state != "measured":
        return None
    return gain(cell.values, base.values, higher_is_better)


def gain(values: Sequence[float], base: Sequence[float], higher_is_better: bool = True) -> Gain:
    """Compares a cell with a base (both unrounded, at least one value each)."""
    found = difference(values, base, higher_is_better)
    return Gain(found.value, found.error, found.p)


def _corrected(
    gains: Mapping[str, tuple[Gain | None, ...]],
) -> dict[str, tuple[Gain | None, ...]]:
    """Corrects the p values of all gains for how many there are."""
    flat = [gain for row in gains.values() for gain in row]
    p_values = iter(holm([gain.p if gain else None for gain in flat]))
    return {
        name: tuple(
            replace(gain, p_holm=p) if gain else None
            for gain, p in zip(row, p_values, strict=False)
        )
        for name, row in gains.items()
    }
