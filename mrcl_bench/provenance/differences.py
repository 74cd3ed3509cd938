"""What differs between two resolved configs, key by key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any


class _Absent:
    def __repr__(self) -> str:
        return "absent"


ABSENT: Any = _Absent()
"""Stands for a key that one side does not have."""


@dataclass(frozen=True)
class Difference:
    """One differing leaf.

    Attributes:
        key: Dotted path, list places in brackets, e.g. ``train_pipeline[2].scale``.
        first: The first config's value, or `ABSENT`.
        second: The second config's value, or `ABSENT`.
    """

    key: str
    first: Any
    second: Any


def differences(first: Any, second: Any, key: str = "") -> Iterator[Difference]:
    """Yields every leaf in which two JSON values differ, in the order of keys.

    Lists are aligned first, so that a step put into a pipeline is one difference and not one for
    every step after it.

    Args:
        first: A value of JSON types.
        second: Another.
        key: Path of both, for the keys of what is yielded.
    """
    if isinstance(first, dict) and isinstance(second, dict):
        for name in sorted(first.keys() | second.keys()):
            below = f"{key}.{name}" if key else name
            yield from differences(first.get(name, ABSENT), second.get(name, ABSENT), below)
    elif isinstance(first, list) and isinstance(second, list):
        yield from _lists(first, second, key)
    elif _text(first) != _text(second):
        yield Difference(key, first, second)


def shown(value: Any) -> str:
    """Returns a value as compact JSON; `ABSENT` as a dash."""
    return "—" if value is ABSENT else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _lists(first: list[Any], second: list[Any], key: str) -> Iterator[Difference]:
    matcher = SequenceMatcher(None, [*map(_text, first)], [*map(_text, second)], autojunk=False)
    for operation, a, a_end, b, b_end in matcher.get_opcodes():
        if operation == "equal":
            continue
        for step in range(max(a_end - a, b_end - b)):
            # The place in the first list, or where it was put in.
            yield from differences(
                first[a + step] if a + step < a_end else ABSENT,
                second[b + step] if b + step < b_end else ABSENT,
                f"{key}[{a + step}]",
            )


def _text(value: Any) -> str:
    return "absent" if value is ABSENT else json.dumps(value, sort_keys=True)
