"""Loads a config whole, hashes what it means, and points it at this machine's folders."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from .errors import EXIT_USAGE, BenchError, unknown_name
from .spec import Protocol, Recipe, Scalar

_NOT_IDENTITY = frozenset({"work_dir", "load_from", "resume", "launcher", "data_root"})
"""Keys that say where and how a run is executed, not what it computes."""
_BENCH_IDENTITY = ("adapter", "task", "main_metric", "algorithm")
"""The part of a bench block that changes what is computed; the rest is display and planning."""
_DATA_PREFIX = "data/"
_NONE: Mapping[str, Scalar] = MappingProxyType({})


def load_spec(spec: Recipe | Protocol) -> Any:
    """Loads the config of a recipe, with what a sweep changes in it, or of a protocol.

    Raises:
        BenchError: As `load_config`.
    """
    return load_config(spec.path, spec.overrides if isinstance(spec, Recipe) else _NONE)


def load_config(path: Path, overrides: Mapping[str, Scalar] = _NONE) -> Any:
    """Loads a config with its bases.

    Args:
        path: A Python config file. It is executed: one that is not shipped needs the user's trust,
            see `mrcl_bench.trust`.
        overrides: Values to put in the place of the config's, by dotted key.

    Returns:
        A `mmengine.config.Config`.

    Raises:
        BenchError: It is not trusted, the file or one of its bases cannot be loaded, or an override
            does not fit: its key is not there, or it changes nothing that is computed.
    """
    from .catalog import config_root
    from .trust import require_trust

    require_trust(path, config_root())
    from mmengine.config import Config

    try:
        config = Config.fromfile(str(path), import_custom_modules=False)
    except Exception as error:  # a config is code; whatever it raises is a fault of the config
        raise BenchError(
            f"config {path} does not load: {type(error).__name__}: {error}.",
            "Mend the config, or the file that its _base_ names.",
            EXIT_USAGE,
        ) from None
    # mmengine writes it out four times a run, by yapf; `fromfile` drops its argument against that.
    vars(config)["_format_python_code"] = False
    for key, value in overrides.items():
        _override(config, path, key, value)
    return config


def _override(config: Any, path: Path, key: str, value: Scalar) -> None:
    """Puts a value in the place of one that the config states; adds nothing."""
    parts = key.split(".")
    if parts[0] == "bench" or not _NOT_IDENTITY.isdisjoint(parts):
        raise BenchError(
            f"{key} of {path.name} cannot be varied: it does not say what is computed.",
            "Vary a key of the model, the data or the schedule.",
            EXIT_USAGE,
        )
    where = config._cfg_dict
    for depth, part in enumerate(parts):
        if isinstance(where, list):
            there = [str(index) for index in range(len(where))]
        else:
            there = list(where) if isinstance(where, dict) else []
        if part not in there:
            known = [".".join([*parts[:depth], name]) for name in there]
            raise unknown_name(f"config key of {path.name}", key, known)
        index: Any = int(part) if isinstance(where, list) else part
        if depth < len(parts) - 1:
            where = where[index]
    old = where[index]
    number = isinstance(old, int | float) and isinstance(value, int | float)
    same_kind = type(old) is type(value) or (
        number and not isinstance(old, bool) and not isinstance(value, bool)
    )
    if not same_kind and old is not None and value is not None:
        raise BenchError(
            f"{key} of {path.name} is {type(old).__name__}, not {type(value).__name__}.",
            "Give a value of the same kind.",
            EXIT_USAGE,
        )
    if old == value:
        raise BenchError(
            f"{key}={value} changes nothing: {path.name} says so already.",
            "Leave it out; the base recipe is that point.",
            EXIT_USAGE,
        )
    where[index] = value


def canonical(config: Any) -> str:
    """Returns what a resolved config means as canonical JSON.

    Paths, weights and execution settings are left out. `config_sha256` is the sha256 of this text.

    Args:
        config: A `mmengine.config.Config` (or a dict) as loaded.
    """

    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                str(key): clean(item) for key, item in value.items() if key not in _NOT_IDENTITY
            }
        if isinstance(value, list | tuple):
            return [clean(item) for item in value]
        if isinstance(value, str | int | float | bool) or value is None:
            return value
        return repr(value)

    whole = clean(config.to_dict() if hasattr(config, "to_dict") else config)
    bench = whole.pop("bench", {})
    whole["bench"] = {key: bench[key] for key in _BENCH_IDENTITY if key in bench}
    return json.dumps(whole, sort_keys=True, separators=(",", ":"))


def config_sha256(config: Any) -> str:
    """Hashes a resolved config without paths, weights and execution settings.

    Args:
        config: A `mmengine.config.Config` (or a dict) as loaded.

    Returns:
        Hex sha256 of the canonical JSON of what the config means.
    """
    return hashlib.sha256(canonical(config).encode()).hexdigest()


def relocate(config: Any, data: Path) -> None:
    """Replaces the leading ``data/`` of every path in a config by the real data folder.

    Args:
        config: Config that is changed in place.
        data: The workspace's data folder.
    """

    def walk(value: Any) -> Any:
        if isinstance(value, dict):
            for key in list(value):
                value[key] = walk(value[key])
            return value
        if isinstance(value, list):
            return [walk(item) for item in value]
        if isinstance(value, tuple):
            return tuple(walk(item) for item in value)
        if isinstance(value, str) and value.startswith(_DATA_PREFIX):
            return f"{data}/{value.removeprefix(_DATA_PREFIX)}"
        return value

    walk(config._cfg_dict)
