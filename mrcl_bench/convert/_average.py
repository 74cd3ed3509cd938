"""The average of all weights that some trainers keep beside them, in a dict of its own.

`mrcl_bench.checkpoint.load_state_dict` puts its keys beside the others under `AVERAGE`, so that
every source format can be taken out of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ._layout import Conversion, Which

if TYPE_CHECKING:
    from torch import Tensor

AVERAGE = "@average."
"""Prefix that no module's attribute can have."""
_COUNTERS = ("steps", "n_averaged", "num_updates")


def apart(
    state_dict: Mapping[str, Tensor], which: Which
) -> tuple[Mapping[str, Tensor], dict[str, list[str]], Which]:
    """Separates weights and their average.

    Args:
        state_dict: Key to tensor.
        which: ``momentum`` takes the average where there is one.

    Returns:
        The weights to read, by their own names; kind to the keys left out; and which encoder is to
        be looked for inside.
    """
    averaged = [key for key in state_dict if key.startswith(AVERAGE)]
    if not averaged:
        return state_dict, {}, which
    own = [key for key in state_dict if not key.startswith(AVERAGE)]
    if which == "online":
        return {key: state_dict[key] for key in own}, {"momentum": averaged}, which
    names = {key: key.removeprefix(AVERAGE) for key in averaged}
    counters = [key for key, name in names.items() if name in _COUNTERS]
    names = {key: name for key, name in names.items() if key not in counters}
    wrapped = all(name.startswith("module.") for name in names.values())
    if wrapped and not all(key.startswith("module.") for key in own):
        names = {key: name.removeprefix("module.") for key, name in names.items()}
    left = {"online": own, "counter": counters}
    return (
        {name: state_dict[key] for key, name in names.items()},
        {kind: keys for kind, keys in left.items() if keys},
        "online",
    )


def rejoined(conversion: Conversion, left: Mapping[str, list[str]]) -> Conversion:
    """Adds the keys that `apart` left out to the dropped ones."""
    if not left:
        return conversion
    dropped = {kind: list(keys) for kind, keys in conversion.dropped.items()}
    for kind, keys in left.items():
        dropped.setdefault(kind, []).extend(keys)
    return replace(conversion, dropped=dropped)
