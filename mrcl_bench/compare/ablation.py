"""Variants of one recipe, arranged: a table of two switches, or a curve over one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from .matrix import Column, Matrix
from .variants import Variant, parse

SWITCHES: Mapping[str, str] = {"mask_ratio": "masking", "reconstruct_weight": "reconstruction"}
"""The two parts of the method that can be left out, by the key that is then 0."""
Kind = Literal["switches", "curve", "list"]


@dataclass(frozen=True)
class Ablation:
    """Variants of one base recipe that belong together.

    Attributes:
        kind: ``switches``: each of `SWITCHES` on or off; ``curve``: one key over numbers;
            ``list``: whatever else was changed.
        base: The base recipe's name; a row of the matrix or not.
        key: The key of a curve; empty otherwise.
        points: Recipe name to variant, a curve's in ascending order; the base itself, whose own
            value no name tells, is none of a curve's.
    """

    kind: Kind
    base: str
    key: str
    points: Mapping[str, Variant]


def ablations(matrix: Matrix) -> tuple[Ablation, ...]:
    """Finds the ablations among a matrix's rows; each variant is in one at least."""
    families: dict[str, dict[str, Variant]] = {}
    names = [recipe.name for recipe in matrix.recipes]
    for name in names:
        variant = parse(name)
        if variant.changes:
            families.setdefault(variant.base, {})[name] = variant
    found = []
    for base, variants in families.items():
        found += _family(base, variants, base in names)
    return tuple(found)


def _family(base: str, variants: Mapping[str, Variant], has_base: bool) -> list[Ablation]:
    found = []
    switched = {name: variant for name, variant in variants.items() if _is_switch(variant)}
    both = {frozenset(map(_last, variant.changes)) for variant in switched.values()}
    if frozenset(SWITCHES) in both or len(both) > 1:
        points = {base: Variant(base, {}), **switched} if has_base else switched
        found.append(Ablation("switches", base, "", points))
    used = set(switched) if found else set()
    keys = {next(iter(v.changes)) for v in variants.values() if len(v.changes) == 1}
    for key in sorted(keys):
        points = {
            name: variant
            for name, variant in variants.items()
            if list(variant.changes) == [key] and number(variant.changes[key]) is not None
        }
        if len(points) > 1:
            ordered = sorted(points.items(), key=lambda item: number(item[1].changes[key]) or 0.0)
            found.append(Ablation("curve", base, key, dict(ordered)))
            used |= set(points)
    rest = {name: variant for name, variant in variants.items() if name not in used}
    if rest:
        points = {base: Variant(base, {}), **rest} if has_base else rest
        found.append(Ablation("list", base, "", points))
    return found


def switch_states(variant: Variant) -> tuple[bool, ...]:
    """Returns for each of `SWITCHES` whether it is on."""
    off = {_last(key) for key in variant.changes}
    return tuple(key not in off for key in SWITCHES)


def number(value: str) -> float | None:
    """Returns a value as a number, or None."""
    try:
        return float(value)
    except ValueError:
        return None


def main_columns(matrix: Matrix) -> tuple[Column, ...]:
    """Returns the columns that an ablation is shown over: each protocol's main metric."""
    return tuple(column for column in matrix.columns if column.main)


def _is_switch(variant: Variant) -> bool:
    return all(
        _last(key) in SWITCHES and number(value) == 0 for key, value in variant.changes.items()
    )


def _last(key: str) -> str:
    return key.rsplit(".", 1)[-1]
