"""The scales that everything runs at."""

from __future__ import annotations

from typing import Literal, get_args

Profile = Literal["micro", "tiny", "small", "paper"]
"""``micro`` (tests, seconds), ``tiny`` (minutes), ``small`` (an hour or two), ``paper``."""
PROFILES: tuple[str, ...] = get_args(Profile)
