"""Whether configs from elsewhere may be executed: they are Python, so only if the user says so."""

from __future__ import annotations

import os
from pathlib import Path

from .errors import EXIT_USAGE, BenchError

VARIABLE = "MRCL_BENCH_TRUST_CONFIG"
"""``1`` trusts configs from elsewhere; ``--trust-config`` sets it, for the workers too."""


def trust(value: bool) -> bool:
    """Trusts all configs in this process and those that it starts, if ``value`` is true."""
    if value:
        os.environ[VARIABLE] = "1"
    return value


def require_trust(path: Path, shipped: Path) -> None:
    """Stops before a config from elsewhere would be executed, unless the user trusts it.

    Args:
        path: A config or a folder of configs.
        shipped: The folder of our own configs, which are as trusted as this package.

    Raises:
        BenchError: The configs are from elsewhere and nobody said that they are trusted.
    """
    if os.environ.get(VARIABLE) == "1" or path.resolve().is_relative_to(shipped.resolve()):
        return
    raise BenchError(
        f"{path} holds configs from elsewhere, and configs are Python: reading them whole would "
        "run whatever is in them, with all your rights. Nothing was run.",
        f"Look into them; if you trust them, add --trust-config, or set {VARIABLE}=1.",
        EXIT_USAGE,
    )
