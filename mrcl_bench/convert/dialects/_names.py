"""Renaming by a table of patterns, the same table for both directions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ...errors import BenchError

if TYPE_CHECKING:
    from torch import Tensor

SHOWN = 8
_WILD = {"#": r"(\d+)", "*": r"(\w+)"}


class Names:
    """Pairs of a common pattern and a library's.

    Args:
        library: Whose names, for messages.
        pairs: Patterns of whole keys; ``#`` stands for a number and ``*`` for a last part
            (``weight``, ``bias``, ``running_mean`` …), in the same order on both sides.
        reasons: Regex, matched from the start, of the library's keys that are refused, to why.
    """

    def __init__(
        self,
        library: str,
        pairs: Sequence[tuple[str, str]],
        reasons: Mapping[str, str] | None = None,
    ) -> None:
        self.library = library
        self._reasons = dict(reasons or {})
        self._to = [(_regex(theirs), _template(common)) for common, theirs in pairs]
        self._from = [(_regex(common), _template(theirs)) for common, theirs in pairs]

    def to_common(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Renames the library's weights; see `Dialect.to_common`."""
        for pattern, reason in self._reasons.items():
            if key := next((key for key in weights if re.match(pattern, key)), None):
                raise BenchError(
                    f"'{key}' in weights by {self.library}'s names: {reason} cannot be converted.",
                    "Use a network without it.",
                )
        return _rename(weights, self._to, f"are no names of a {self.library} backbone")

    def from_common(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Renames weights by the common names; see `Dialect.from_common`."""
        return _rename(weights, self._from, f"have no counterpart in {self.library}")


def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(_WILD.get(part, re.escape(part)) for part in pattern))


def _template(pattern: str) -> str:
    return re.sub(r"[#*]", "{}", pattern)


def _rename(
    weights: Mapping[str, Tensor], table: Sequence[tuple[re.Pattern[str], str]], fault: str
) -> dict[str, Tensor]:
    renamed: dict[str, Tensor] = {}
    unknown: list[str] = []
    for key, value in weights.items():
        for pattern, template in table:
            if found := pattern.fullmatch(key):
                name = template.format(*found.groups())
                if name in renamed:
                    raise BenchError(
                        f"two weights land on '{name}', one of them '{key}'.",
                        "Choose another source format with --from.",
                    )
                renamed[name] = value
                break
        else:
            unknown.append(key)
    if unknown:
        more = f" … and {len(unknown) - SHOWN} more" if len(unknown) > SHOWN else ""
        raise BenchError(
            f"{len(unknown)} weights {fault}: {', '.join(unknown[:SHOWN])}{more}.",
            "Choose another source format with --from, or another target with --to.",
        )
    return renamed
