"""What a protocol says of loading: what goes beside the backbone, is new, or is not used.

A protocol whose network is more, less or laid out otherwise than the backbone that was pretrained
says so in a top-level block of its config::

    loading = dict(
        beside=["roi_head.shared_head"],  # loaded together with ``backbone``, by the same names
        new=["norm[.].*"],  # keys that no pretraining has
        left_out=["cls_token"],  # weights that this network has no use for
    )

Without the block, every key of ``backbone`` and every weight must find its partner.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from .errors import EXIT_USAGE, BenchError, unknown_name


class Loading(BaseModel):
    """The exceptions that a protocol declares; by default none.

    Attributes:
        beside: Modules of the model, by their path, that are loaded together with its
            ``backbone``. Their keys are those of the weights (``layer4.0.conv1.weight``).
        new: Regular expressions for whole keys of the network that weights need not have; these
            parameters begin as the network initialises them.
        left_out: Regular expressions for whole keys of weights that the network does not use.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    beside: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @field_validator("new", "left_out")
    @classmethod
    def _compiles(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"'{pattern}' is no regular expression: {error}") from None
        return patterns


def loading_of(config: Any) -> Loading:
    """Reads a config's ``loading`` block.

    Args:
        config: A resolved protocol config.

    Raises:
        BenchError: The block has an unknown key or a value of the wrong kind.
    """
    block = config.get("loading") or {}
    for key in block:
        if key not in Loading.model_fields:
            raise unknown_name("key of a config's loading block", str(key), Loading.model_fields)
    try:
        return Loading.model_validate(dict(block))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BenchError(
            f"loading.{where}: {first['msg']}.", "Mend the config's loading block.", EXIT_USAGE
        ) from None


def matches(key: str, patterns: Iterable[str]) -> bool:
    """Whether a whole key matches one of the patterns."""
    return any(re.fullmatch(pattern, key) for pattern in patterns)
