"""The estimate of a plan's cost as lines of at most 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from ..estimate import Estimate
from .text import MISSING, thousands

_WIDTH = 80
_WORD = {"measured": "measured", "stated": "stated", "unknown": MISSING}


def lines(found: Iterable[Estimate], tflops: float | None) -> list[str]:
    """Returns two lines for each recipe and protocol, the sum, and what the numbers mean.

    Args:
        found: From `mrcl_bench.estimate.estimate`.
        tflops: The stated speed.
    """
    entries = list(found)
    if not entries:
        return ["", "Nothing to do, so nothing to estimate."]
    shown = ["", _line("what is to do", "images", "GFLOPs", "hours each", "all", "speed")]
    for entry in entries:
        images = MISSING if entry.images is None else thousands(entry.images)
        gflops = MISSING if entry.gflops is None else _number(entry.gflops)
        hours = total = MISSING
        if entry.hours is not None:
            hours, total = _number(entry.hours), _number(entry.hours * entry.count)
        count = f"  {entry.count} x"
        shown += textwrap.wrap(entry.what, _WIDTH)
        shown.append(_line(count, images, gflops, hours, total, _WORD[entry.source]))
    known = [entry for entry in entries if entry.hours is not None]
    hours_all = sum((entry.hours or 0) * entry.count for entry in known)
    left = sum(entry.count for entry in entries) - sum(entry.count for entry in known)
    shown.append(
        f"{_number(hours_all)} hours on one device"
        + (f", and {left} runs of which nothing is known" if left else "")
    )
    signs = {entry.source for entry in entries}
    if "measured" in signs:
        shown.append("measured: mean of earlier runs under this config here.")
    if "stated" in signs:
        speed = "" if tflops is None else f" at {tflops:g} TFLOP/s"
        shown.append(
            f"stated: images x views x encoder forward, x 3 where it trains,{speed};\n"
            "heads, momentum encoders and reading of data are not in it: right to a factor of\n"
            "two or so."
        )
    if "unknown" in signs:
        shown.append(f"{MISSING}: it never ran here; state a speed with --tflops.")
    return shown


def _line(what: str, images: str, gflops: str, hours: str, total: str, source: str) -> str:
    return f"{what:<20}{images:>14}{gflops:>9}{hours:>12}{total:>10}  {source}".rstrip()


def _number(value: float) -> str:
    return thousands(round(value)) if value >= 100 else f"{value:.3g}"
