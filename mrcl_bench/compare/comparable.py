"""What two records must share to stand in one column, and what speaks against it."""

from __future__ import annotations

from typing import NamedTuple

from ..record import Record


class Group(NamedTuple):
    """What the records of a column share.

    Attributes:
        config: Hash of the protocol's resolved config.
        data: Hash of the data set.
        shapes: Drawn shapes stood in for photographs.
        broken: How many broken images were left out.
    """

    config: str
    data: str
    shapes: bool
    broken: int


def group_of(record: Record) -> Group:
    """Returns the group that a record belongs to. Normalisation follows the weights: not in it."""
    data = record.data
    return Group(
        record.protocol.config_sha256, data.sha256, data.shapes_fallback, data.broken_images
    )


def is_rehearsal(record: Record) -> bool:
    """Tells whether a run only rehearsed the pipeline: its numbers measure nothing."""
    return vars(record).get("rehearsal") is not None


def reasons_apart(record: Record, standing: Group | None) -> tuple[str, ...]:
    """Returns why a record may not stand in a column; empty where it may.

    Args:
        record: The record.
        standing: The column's group; None where nothing but rehearsals is there.
    """
    if is_rehearsal(record) or standing is None:
        return ("rehearsal: a cut-down run that measures nothing",)
    reasons = []
    if record.protocol.config_sha256 != standing.config:
        reasons.append(f"other protocol config {record.protocol.config_sha256[:8]}")
    # A run that failed before it read anything has no data hash to disagree with.
    if record.data.sha256 or record.status == "completed":
        if record.data.sha256 != standing.data:
            reasons.append(f"other data {record.data.sha256[:8]}")
        if record.data.shapes_fallback and not standing.shapes:
            reasons.append("drawn shapes in place of photographs")
        if standing.shapes and not record.data.shapes_fallback:
            reasons.append("photographs, where the column has drawn shapes")
    # How many would have been left out, a run that failed does not say.
    if record.status == "completed" and record.data.broken_images != standing.broken:
        reasons.append(
            f"broken images left out: {record.data.broken_images}, in the column {standing.broken}"
        )
    return tuple(reasons)
