"""Source formats: pure functions from a raw state dict to a backbone's.

A module of this package that defines ``to_backbone(state_dict, which) -> Conversion``,
``recognises(state_dict) -> bool`` and ``DESCRIBES`` is a source format, named like the module.
There is no list to enter it in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from types import ModuleType
from typing import TYPE_CHECKING

from ..discovery import modules_of
from ..errors import EXIT_USAGE, BenchError, unknown_name
from ._average import apart, rejoined
from ._layout import Conversion, NoBackbone, Which, top_prefixes
from ._unsupported import refuse_unsupported

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Conversion", "Which", "convert", "descriptions", "detect", "sources"]

Converter = Callable[["Mapping[str, Tensor]", Which], Conversion]


@lru_cache(maxsize=1)
def _modules() -> dict[str, ModuleType]:
    return modules_of(__name__, having="to_backbone")


def sources() -> dict[str, Converter]:
    """Finds the source formats: name to conversion function, sorted by name."""
    return {name: module.to_backbone for name, module in _modules().items()}


def descriptions() -> dict[str, str]:
    """Says in a line what files each source format reads: name to text, sorted by name."""
    return {name: module.DESCRIBES for name, module in _modules().items()}


def detect(state_dict: Mapping[str, Tensor]) -> str:
    """Finds the source format of a raw state dict by its key names.

    Args:
        state_dict: Key to tensor, as `mrcl_bench.checkpoint.load_state_dict` reads it.

    Returns:
        The name of the one format that recognises the keys.

    Raises:
        BenchError: The keys are those of a network that cannot be converted (with its name), or
            none of the formats or more than one recognises them.
    """
    keys = apart(state_dict, "online")[0]
    fitting = [name for name, module in _modules().items() if module.recognises(keys)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise BenchError(
            f"these weights may be of several formats: {', '.join(fitting)}.",
            f"Say which: --from {' or --from '.join(fitting)}.",
            EXIT_USAGE,
        )
    refuse_unsupported(keys)
    raise BenchError(
        f"no source format recognises these weights; their top-level keys: {top_prefixes(keys)}.",
        f"Name the nearest with --from. There is: {', '.join(_modules())}.",
    )


def convert(source: str, state_dict: Mapping[str, Tensor], which: Which = "online") -> Conversion:
    """Takes the backbone out of a raw state dict.

    Where the file keeps an average of all weights beside them (``state_dict_ema``,
    ``ema_state_dict`` …), ``momentum`` takes the backbone out of that.

    Args:
        source: Name of the source format.
        state_dict: Key to tensor, as read from the file.
        which: Which encoder to take where the run trained two.

    Returns:
        The backbone by the key names of its dialect, and what was dropped.

    Raises:
        BenchError: The format is unknown (exit code 2), there is no backbone key (with the
            formats that would read this state dict), or a key is of no known kind.
    """
    known = sources()
    if source not in known:
        raise unknown_name("source format", source, known)
    chosen, left, inner = apart(state_dict, which)
    try:
        return rejoined(known[source](chosen, inner), left)
    except NoBackbone as error:
        fitting = [name for name in known if name != source and _reads(name, chosen, inner)]
        there_is = f"There is: {', '.join(known)}."
        hint = f"Did you mean --from {' or '.join(fitting)}?" if fitting else error.cure
        raise BenchError(error.what, f"{hint} {there_is}") from None


def _reads(source: str, state_dict: Mapping[str, Tensor], which: Which) -> bool:
    module = _modules().get(source)
    if module is not None and not module.recognises(state_dict):
        return False
    try:
        sources()[source](state_dict, which)
    except BenchError:
        return False
    return True
