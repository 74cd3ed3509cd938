"""What every source format shares: the result of a conversion, and sorting keys by regexes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from ..errors import BenchError

if TYPE_CHECKING:
    from torch import Tensor

Which = Literal["online", "momentum"]
"""Which encoder leaves a run that trained two: the online one, or its moving average."""

SHOWN = 20


@dataclass(frozen=True)
class Conversion:
    """A state dict taken apart.

    Attributes:
        backbone: Backbone weights by the key names of ``dialect``, without any prefix.
        dropped: Kind (``neck``, ``head``, ``momentum`` …) to the source keys left out.
        dialect: Library by whose names the backbone goes; see `mrcl_bench.convert.dialects`.
        normalisation: How those who publish this layout feed their networks, as
            `mrcl_bench.normalisation` takes it; None if that is not known.
        traits: What weights do not show: ``num_heads``, ``norm_eps``, ``activation``, ``style``;
            see `mrcl_bench.convert._architecture.read_architecture`.
        notes: What was assumed, one sentence each.
    """

    backbone: dict[str, Tensor]
    dropped: dict[str, list[str]] = field(default_factory=dict)
    dialect: str = "mmpretrain"
    normalisation: Mapping[str, Any] | None = None
    traits: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class NoBackbone(BenchError):
    """There is not one backbone key: most likely the wrong source format."""


def top_prefixes(keys: Iterable[str]) -> str:
    """Sums keys up by what stands before their first dot, e.g. ``"encoder. (120), fc. (2)"``."""
    counts = Counter(key.split(".")[0] + ("." if "." in key else "") for key in keys)
    shown = ", ".join(f"{prefix} ({n})" for prefix, n in counts.most_common(SHOWN))
    more = f" … and {len(counts) - SHOWN} more" if len(counts) > SHOWN else ""
    return (shown or "nothing") + more


def split(
    source: str, state_dict: Mapping[str, Tensor], backbone: str, kinds: Mapping[str, str]
) -> Conversion:
    r"""Sorts a state dict's keys into backbone and known kinds of leftovers.

    Args:
        source: Name of the source format, for messages.
        state_dict: Key to tensor.
        backbone: Regex, matched from the start, of the prefix that backbone keys lose.
        kinds: Kind to the regex, matched from the start, of keys to drop. They go before
            ``backbone``, in order, so that a kind can take a key from under its prefix.

    Returns:
        Backbone keys without prefix; the dropped keys by kind, none of them empty.

    Raises:
        NoBackbone: No key is a backbone key.
        BenchError: A key is of no known kind, or two keys land on one name.
    """
    weights: dict[str, Tensor] = {}
    dropped: dict[str, list[str]] = {}
    unknown: list[str] = []
    for key, tensor in state_dict.items():
        kind = next((k for k, pattern in kinds.items() if re.match(pattern, key)), None)
        if kind is not None:
            dropped.setdefault(kind, []).append(key)
        elif found := re.match(backbone, key):
            name = key[found.end() :]
            if name in weights:
                raise BenchError(
                    f"two weights of the {source} state dict land on '{name}'.",
                    "Choose another source format with --from.",
                )
            weights[name] = tensor
        else:
            unknown.append(key)
    if not weights:
        raise NoBackbone(
            f"no backbone in this state dict, read as {source}; its top-level keys: "
            f"{top_prefixes(state_dict)}.",
            "Choose the right source format with --from.",
        )
    if unknown:
        more = f" … and {len(unknown) - SHOWN} more" if len(unknown) > SHOWN else ""
        raise BenchError(
            f"{len(unknown)} weights of no kind that {source} knows: "
            f"{', '.join(unknown[:SHOWN])}{more}.",
            f"Choose another source format with --from, or name their kind in "
            f"mrcl_bench/convert/{source}.py.",
        )
    return Conversion(weights, dropped)
