"""The loading contract at the door of every job."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from ..engine.capture import LoadRefused
from ..errors import BenchError
from ..loading import Loading
from ..record import LoadReport


def load_into(model: Any, weights: dict[str, Any], loading: Loading) -> LoadReport:
    """Loads weights into a downstream model: all of them and every key, or not at all.

    Args:
        model: The job's model, freshly built; its encoder is ``model.backbone``.
        weights: Converted weights.
        loading: What the protocol declares of loading.

    Returns:
        What was loaded.

    Raises:
        LoadRefused: A key is missing or left over; the message lists them.
    """
    from ..backbone_weights import load_backbone

    try:
        beside = {path: attrgetter(path)(model) for path in loading.beside}
        return load_backbone(
            model.backbone, weights, beside=beside, new=loading.new, left_out=loading.left_out
        )
    except BenchError as error:
        raise LoadRefused(error.what, error.cure) from None
