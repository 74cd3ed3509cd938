"""Changes a config's evaluators, and takes from them what they kept of each image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def replace(config: Any, types: Mapping[str, str]) -> None:
    """Puts other metrics in the place of some.

    Args:
        config: Protocol config; changed in place.
        types: Type of a metric to the type that takes its place, with the same arguments.
    """
    for name in ("val_evaluator", "test_evaluator"):
        evaluator = config.get(name)
        for one in evaluator if isinstance(evaluator, list | tuple) else [evaluator]:
            if one is not None and one["type"] in types:
                one["type"] = types[one["type"]]


def kept(loop: Any, split: str) -> dict[str, Any]:
    """What a loop's metrics kept of each image, by the names of a record's side file.

    Args:
        loop: mmengine's val or test loop, after it ran; only the first process has anything.
        split: ``val`` or ``novel``.
    """
    return {
        f"{split}_{name}": array
        for metric in loop.evaluator.metrics
        for name, array in getattr(metric, "per_sample", {}).items()
    }
