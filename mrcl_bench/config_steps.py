"""Walks over the steps of data pipelines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def steps_of(value: Any) -> Iterator[dict[str, Any]]:
    """Yields every step below a value, those inside other steps as well."""
    if isinstance(value, dict):
        if "type" in value:
            yield value
        for item in value.values():
            yield from steps_of(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from steps_of(item)
