"""The loop of COCO's greedy matching, compiled."""

from __future__ import annotations

from typing import Any

import numba as nb


@nb.njit(nogil=True, cache=True)
def assign(at: Any, truth: Any, bits: Any, by: tuple[Any, Any], kept: tuple[Any, Any, Any]) -> None:
    """Gives detections their truths, a bit of an int64 for each IoU threshold.

    Args:
        at: Detection of each pair; pairs in the order in which they are to be tried.
        truth: Truth of each pair.
        bits: Thresholds that the pair's IoU reaches.
        by: Which truths are crowds, and which are ignored.
        kept: What each truth was taken at, each detection matched at and matched to an ignored
            truth at; zeros, filled in place.
    """
    crowd, ignored = by
    taken, matched, passed = kept
    for pair in range(len(at)):
        one, detection = truth[pair], at[pair]
        free = bits[pair] & ~matched[detection]
        if not crowd[one]:
            free &= ~taken[one]
        matched[detection] |= free
        taken[one] |= free
        if ignored[one]:
            passed[detection] |= free
