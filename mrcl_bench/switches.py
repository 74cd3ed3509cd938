"""Faster arithmetic that a user may ask for; whoever reads a record is told."""

from __future__ import annotations

from collections.abc import Iterable

from .errors import unknown_name

SWITCHES = {
    "bf16": "training in bfloat16 where autocast allows it, but of detectors; evaluation stays "
    "in float32",
    "channels-last": "convolutions on maps whose channels lie side by side",
    "compile": "transformer blocks, or else the backbone, by torch.compile",
    "device-views": "colours and blur of fused views on the device that trains, batch by batch",
    "fused": "AdamW, Adam and SGD in one pass over the weights",
}
"""Name to what it does. None is part of a config's hash: all change how the same training is
computed, `bf16` with fewer digits, the others by rounding alone (`device-views` by that of
pixels)."""


def check_switches(names: Iterable[str] | None) -> tuple[str, ...]:
    """Returns names in one order, each once.

    Raises:
        BenchError: A switch is not known.
    """
    chosen = set(names or ())
    for name in sorted(chosen):
        if name not in SWITCHES:
            raise unknown_name("switch", name, SWITCHES)
    return tuple(sorted(chosen))


def remark(who: str, switches: Iterable[str]) -> list[str]:
    """What tables say below a number that was made with switches; nothing where there were none."""
    named = " and ".join(switches)
    return [f"{who} with {named}"] if named else []
