"""Source formats: pure functions from a raw state dict to a backbone's.

A module of this package that defines ``to_backbone(state_dict, which) -> Conversion`` is a
source format, named like the module. There is no list to enter it in.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from ..errors import BenchError, unknown_name
from ._layout import Conversion, NoBackbone, Which

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Conversion", "Which", "convert", "sources"]

Converter = Callable[["Mapping[str, Tensor]", Which], Conversion]


@lru_cache(maxsize=1)
def sources() -> dict[str, Converter]:
    """Finds the source formats: name to conversion function, sorted by name."""
    found: dict[str, Converter] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        if not module.name.startswith("_"):
            loaded = importlib.import_module(f"{__name__}.{module.name}")
            if hasattr(loaded, "to_backbone"):
                found[module.name] = loaded.to_backbone
    return found


def convert(source: str, state_dict: Mapping[str, Tensor], which: Which = "online") -> Conversion:
    """Takes the backbone out of a raw state dict.

    Args:
        source: Name of the source format.
        state_dict: Key to tensor, as read from the file.
        which: Which encoder to take where the run trained two.

    Returns:
        The backbone by mmpretrain's key names, and what was dropped.

    Raises:
        BenchError: The format is unknown (exit code 2), there is no backbone key (with the
            formats that would read this state dict), or a key is of no known kind.
    """
    known = sources()
    if source not in known:
        raise unknown_name("source format", source, known)
    try:
        return known[source](state_dict, which)
    except NoBackbone as error:
        fitting = [name for name in known if name != source and _reads(name, state_dict, which)]
        there_is = f"There is: {', '.join(known)}."
        hint = f"Did you mean --from {' or '.join(fitting)}?" if fitting else error.cure
        raise BenchError(error.what, f"{hint} {there_is}") from None


def _reads(source: str, state_dict: Mapping[str, Tensor], which: Which) -> bool:
    try:
        sources()[source](state_dict, which)
    except BenchError:
        return False
    return True
