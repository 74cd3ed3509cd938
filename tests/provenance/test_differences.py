"""Differences between configs: every differing leaf, nothing else."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mrcl_bench.provenance.differences import ABSENT, Difference, differences, shown

LEAF = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
VALUE: st.SearchStrategy[Any] = st.recursive(
    LEAF,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(max_size=3), below),
    max_leaves=12,
)


def test_leaves_and_missing_keys() -> None:
    first = {"model": {"depth": 4, "width": 128}, "seed": 0}
    second = {"model": {"depth": 6, "width": 128}, "lr": 0.1, "seed": 0}
    assert list(differences(first, second)) == [
        Difference("lr", ABSENT, 0.1),
        Difference("model.depth", 4, 6),
    ]


def test_a_step_put_into_a_list_is_one_difference() -> None:
    steps = [{"type": "Load"}, {"type": "Resize", "scale": 48}, {"type": "Pack"}]
    more = copy.deepcopy(steps)
    more.insert(1, {"type": "Flip"})
    assert list(differences({"p": steps}, {"p": more})) == [
        Difference("p[1]", ABSENT, {"type": "Flip"})
    ]
    changed = copy.deepcopy(steps)
    changed[1]["scale"] = 64
    assert list(differences({"p": steps}, {"p": changed})) == [Difference("p[1].scale", 48, 64)]


def test_types_are_told_apart() -> None:
    assert len(list(differences({"a": 1}, {"a": True}))) == 1
    assert len(list(differences({"a": None}, {}))) == 1
    assert shown(ABSENT) == "—" and shown(None) == "null" and shown("a") == '"a"'


@given(VALUE, VALUE)
def test_empty_only_for_equal_values_and_symmetric(first: Any, second: Any) -> None:
    there = list(differences(first, second))
    assert not list(differences(first, first))
    assert bool(there) == (shown(first) != shown(second))
    assert bool(there) == bool(list(differences(second, first)))
