"""The loading contract at the door of every job."""

from __future__ import annotations

from typing import Any

from ..engine.capture import LoadRefused
from ..errors import BenchError
from ..record import LoadReport


def load_into(backbone: Any, weights: dict[str, Any]) -> LoadReport:
    """Loads weights into a downstream backbone: all of them and every key, or not at all.

    Args:
        backbone: The job's backbone, freshly built.
        weights: Converted weights.

    Returns:
        What was loaded.

    Raises:
        LoadRefused: A key is missing or left over; the message lists them.
    """
    from ..checkpoint import load_backbone

    try:
        return load_backbone(backbone, weights)
    except BenchError as error:
        raise LoadRefused(error.what, error.cure) from None
