"""Refuses top-level config keys that nothing reads.

mmengine ignores what it does not know: mmseg's own ``mae/…-amp-…`` config asks for mixed precision
by ``fp16``, which nothing reads, and trains in single precision under a name that says
otherwise. Here every key must have a reader:

- mmengine's Runner (the arguments of its ``__init__`` and what it looks up in its config),
- this project, whatever is run (`FRAME`),
- the adapter that the protocol names (``CONFIG_KEYS`` in its module).

A key may also only name a part of what is read (``visualizer = dict(vis_backends=vis_backends)``);
it must still equal that part. Names with a leading underscore are the config's own business.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .errors import EXIT_USAGE, BenchError, unknown_name
from .spec import Protocol, Recipe

FRAME = frozenset({"bench", "custom_imports", "loading"})
"""Keys that the catalog, the import of a config's own modules and the loading of weights read."""

_SUCCESSORS = {
    "fp16": 'optim_wrapper = dict(type="AmpOptimWrapper", …)',
    "optimizer": "optim_wrapper = dict(optimizer=…)",
    "optimizer_config": "optim_wrapper (clip_grad, accumulative_counts)",
    "paramwise_cfg": "optim_wrapper = dict(paramwise_cfg=…)",
    "lr_config": "param_scheduler",
    "momentum_config": "param_scheduler",
    "runner": "train_cfg",
    "total_epochs": "train_cfg = dict(max_epochs=…)",
    "data": "train_dataloader, val_dataloader and test_dataloader",
    "evaluation": "val_evaluator",
    "checkpoint_config": "default_hooks = dict(checkpoint=…)",
    "log_config": "default_hooks = dict(logger=…) and visualizer",
    "dist_params": "env_cfg = dict(dist_cfg=…)",
    "resume_from": "resume",
    "seed": "--seed",
    "vis_backends": "visualizer = dict(vis_backends=…)",
}
"""Keys of older configs, and names of parts, to what is read in their place."""


def check_keys(config: Any, spec: Recipe | Protocol) -> None:
    """Checks that every top-level key of a config has a reader.

    Args:
        config: The resolved config; it is not changed.
        spec: Its bench block.

    Raises:
        BenchError: A key has none, or the protocol names an adapter that does not exist.
    """
    adapter = spec.adapter if isinstance(spec, Protocol) else None
    read = keys_read(adapter)
    whole = config.to_dict() if hasattr(config, "to_dict") else config
    for key, value in whole.items():
        if key in read or key.startswith("_"):
            continue
        if any(_holds(whole[other], value) for other in read & whole.keys()):
            continue
        if key in _SUCCESSORS:
            raise BenchError(
                f"nothing reads '{key}' in config {spec.path}.",
                f"What it says belongs to {_SUCCESSORS[key]}.",
                EXIT_USAGE,
            )
        error = unknown_name(f"config key in {spec.path}", key, read)
        raise BenchError(
            f"nothing reads '{key}' in config {spec.path}.",
            f"{error.cure} A helper of the config itself is written _{key}.",
            EXIT_USAGE,
        )


def _holds(whole: Any, part: Any) -> bool:
    """Whether a list or dict is somewhere in another; a bare number or word is in too many."""
    if not part or not isinstance(part, dict | list | tuple):
        return False
    inner = whole.values() if isinstance(whole, dict) else whole
    if not isinstance(whole, dict | list | tuple):
        return False
    return bool(whole == part) or any(_holds(value, part) for value in inner)


def keys_read(adapter: str | None) -> frozenset[str]:
    """The top-level keys that are read from a recipe, or from a protocol with this adapter.

    Raises:
        BenchError: There is no such adapter.
    """
    own = frozenset() if adapter is None else _adapter_keys(adapter)
    return _runner_keys() | FRAME | own


@cache
def _runner_keys() -> frozenset[str]:
    """What mmengine's Runner reads, from its source: importing it would import torch."""
    found = find_spec("mmengine")
    if found is None or found.origin is None:
        raise BenchError("mmengine is not installed.", 'Install the extra: "mrcl-bench[mm]".')
    tree = ast.parse((Path(found.origin).parent / "runner" / "runner.py").read_text())
    (runner,) = (n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == "Runner")
    return frozenset(_arguments(runner)) | frozenset(_looked_up(runner))


def _arguments(runner: ast.ClassDef) -> Iterator[str]:
    for part in runner.body:
        if isinstance(part, ast.FunctionDef) and part.name == "__init__":
            yield from (a.arg for a in part.args.args if a.arg not in ("self", "cfg"))


def _looked_up(runner: ast.ClassDef) -> Iterator[str]:
    """Every ``X`` in ``self.cfg.get("X")``."""
    for node in ast.walk(runner):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "get"
            and ast.unparse(node.func) == "self.cfg.get"
        ):
            yield ast.literal_eval(node.args[0])


@cache
def _adapter_keys(adapter: str) -> frozenset[str]:
    """``CONFIG_KEYS`` of an adapter's module, from its source."""
    folder = Path(__file__).parent / "jobs"
    path = folder / f"{adapter}.py"
    if not path.is_file() or not _functions(path) & {"run"}:
        known = [file.stem for file in folder.glob("*.py") if "run" in _functions(file)]
        raise unknown_name("adapter", adapter, known)
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "CONFIG_KEYS":
            return frozenset(ast.literal_eval(node.value))
    return frozenset()


def _functions(path: Path) -> set[str]:
    return {n.name for n in ast.parse(path.read_text()).body if isinstance(n, ast.FunctionDef)}
