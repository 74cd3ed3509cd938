"""Makes a sweep's recipes: every point is the base recipe with some of its values changed."""

from __future__ import annotations

import math
import re
from itertools import product

from .errors import EXIT_USAGE, BenchError
from .spec import Recipe, Scalar, Sweep

_SAFE_TEXT = re.compile(r"[A-Za-z0-9.+-]+")
"""Text that may stand in a folder's name everywhere."""
_DOTTED = re.compile(r"[A-Za-z_]\w*(\.\w+)*")
MOST_POINTS = 1000
"""Each point is a pretraining. More are a slip, and would fill memory before anybody saw them."""


def expand(sweep: Sweep, base: Recipe) -> list[Recipe]:
    """Makes a sweep's recipes, without loading a config.

    Whether the keys exist and the values differ from the base's is known only when a point's
    config is loaded: see `mrcl_bench.resolve.load_config`.

    Args:
        sweep: The sweep.
        base: The recipe that it names.

    Returns:
        One recipe per point, in the order of the axes. A name is the base's, then ``__key=value``
        for each change, with as much of the key as tells the sweep's keys apart.

    Raises:
        BenchError: An axis is empty, a key or value cannot stand in a name, a point comes twice,
            or there are more than `MOST_POINTS` of them.
    """
    points = sum(math.prod(map(len, axis.values())) for axis in sweep.axes)
    if points > MOST_POINTS:
        raise _error(
            sweep,
            f"its axes make {points:,} points, at most {MOST_POINTS:,} are allowed",
            "Keys of one axis are crossed: give some an axis of their own, or name fewer values.",
        )
    short = _short_names(sweep)
    recipes: dict[str, Recipe] = {}
    for axis in sweep.axes:
        if not axis or not all(axis.values()):
            raise _error(sweep, "an axis without keys or values", "Give each key its values.")
        for values in product(*axis.values()):
            changed = dict(zip(axis, values, strict=True))
            shown = {short[key]: _text(sweep, key, value) for key, value in changed.items()}
            changes = (f"{key}={value}" for key, value in sorted(shown.items()))
            name = "__".join([base.name, *changes])
            if name in recipes:
                raise _error(sweep, f"{name} comes twice", "Name each point in one axis only.")
            recipes[name] = base.model_copy(
                update={
                    "name": name,
                    "display": ", ".join(
                        [base.display, *(f"{key.replace('_', ' ')} {shown[key]}" for key in shown)]
                    ),
                    "family": sweep.family,
                    "on_request": True,
                    "overrides": changed,
                }
            )
    return list(recipes.values())


def _short_names(sweep: Sweep) -> dict[str, str]:
    """Maps each dotted key to its shortest ending that no other key of the sweep shares."""
    keys = list(dict.fromkeys(key for axis in sweep.axes for key in axis))
    for key in keys:
        if not _DOTTED.fullmatch(key):
            raise _error(sweep, f"'{key}' is no dotted key", "Write it like 'model.mask_ratio'.")
    short = {}
    for key in keys:
        parts = key.split(".")
        endings = [".".join(parts[start:]) for start in range(len(parts) - 1, -1, -1)]
        others = [f".{other}" for other in keys if other != key]
        short[key] = next(
            (end for end in endings if not any(o.endswith(f".{end}") for o in others)), key
        )
    return short


def _text(sweep: Sweep, key: str, value: Scalar) -> str:
    text = str(value)
    unsafe = isinstance(value, str) and not _SAFE_TEXT.fullmatch(value)
    if unsafe or (isinstance(value, float) and not math.isfinite(value)):
        raise _error(
            sweep,
            f"{key}: {value!r} cannot stand in a recipe's name",
            "Use finite numbers, True, False, None, or words of letters, digits, '.', '+', '-'.",
        )
    return text


def _error(sweep: Sweep, what: str, cure: str) -> BenchError:
    return BenchError(f"sweep {sweep.path}: {what}.", cure, EXIT_USAGE)
