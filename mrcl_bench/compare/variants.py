"""Recipes made from another one by changing some of its values, told by their names."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Variant:
    """What a recipe's name says: ``<base>__key=value__key=value``.

    Attributes:
        base: The name of the recipe that was changed; the whole name where nothing was.
        changes: Key to value, as written.
    """

    base: str
    changes: Mapping[str, str]


def parse(name: str) -> Variant:
    """Reads a recipe's name; the only place that does."""
    base, *parts = name.split("__")
    if not base or not parts or not all(part.partition("=")[1] for part in parts):
        return Variant(name, {})
    return Variant(base, {key: value for key, _, value in (part.partition("=") for part in parts)})


def is_variant(name: str, among: Collection[str]) -> bool:
    """Tells whether a recipe varies another one of a table.

    Such a row is not ranked: the best of a sweep would be chosen on the split that is reported.
    """
    found = parse(name)
    return bool(found.changes) and found.base in among
