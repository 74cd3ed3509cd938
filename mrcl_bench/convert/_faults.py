"""One error for all that is wrong with a set of names, by kind."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import BenchError


def refuse_faults(what: str, faults: Mapping[str, list[str]], cure: str, shown: int) -> None:
    """Raises a BenchError that lists the faults of each kind, if there are any.

    Args:
        what: First sentence.
        faults: Kind to the names that it is about.
        cure: Of the error.
        shown: Names of a kind that are printed; more are hinted at.

    Raises:
        BenchError: There is a fault.
    """
    said = [
        f"{len(names)} {kind}: {', '.join(names[:shown])}{' …' if len(names) > shown else ''}"
        for kind, names in faults.items()
        if names
    ]
    if said:
        raise BenchError(f"{what} {'; '.join(said)}.", cure)
