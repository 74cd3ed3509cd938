"""Which of this package's source a result depends on, as one hash.

The hash is no part of a job's identity: `mrcl_bench.plan` looks at it only where it is asked to.
Libraries, and modules of the user's own that a config imports, are not in it.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from .spec import Protocol, Recipe

_ROOT = Path(__file__).resolve().parent
_REGISTERED = ("models/", "augment/")
"""Folders that configs reach by names in registries: whole."""
_FOUND = "convert/"
"""What converts a pretraining's weights is found, not imported: whole."""


def code_sha256(spec: Recipe | Protocol) -> str:
    """Returns the hash of the source that a pretraining or a protocol's jobs run.

    That is what they import, by import statements wherever those stand, what that imports in turn,
    and the folders of which modules are found by name.

    Args:
        spec: A recipe for its pretraining, a protocol for its jobs.
    """
    whole = hashlib.sha256()
    for name, content in sorted(sources(spec).items()):
        whole.update(f"{name} {hashlib.sha256(content).hexdigest()}\n".encode())
    return whole.hexdigest()


def sources(spec: Recipe | Protocol) -> dict[str, bytes]:
    """Maps the files behind `code_sha256`, relative to the package, to their content."""
    waiting = list(_below(*_REGISTERED))
    if isinstance(spec, Recipe):
        waiting += ["pretrain.py", *_below(_FOUND)]
    else:
        waiting += ["jobs/evaluate.py", f"jobs/{spec.adapter}.py"]
    found: dict[str, bytes] = {}
    while waiting:
        name = waiting.pop()
        if name not in found and (_ROOT / name).is_file():
            found[name] = (_ROOT / name).read_bytes()
            waiting += _imports(name, found[name])
    return found


def _below(*folders: str) -> Iterator[str]:
    for folder in folders:
        for path in (_ROOT / folder).rglob("*.py"):
            yield path.relative_to(_ROOT).as_posix()


@cache
def _imports(name: str, content: bytes) -> tuple[str, ...]:
    """Files that a file of this package may import; not all of them need exist."""
    package = Path(name).parent.parts
    modules = {package[:depth] for depth in range(len(package) + 1)}  # they run before it
    for node in _statements(ast.parse(content)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                modules |= _absolute(alias.name)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            for alias in node.names:
                modules |= _absolute(f"{node.module}.{alias.name}")
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1]
            base += tuple(node.module.split(".")) if node.module else ()
            modules |= {base} | {(*base, alias.name) for alias in node.names}
    return tuple(
        name
        for parts in sorted(modules)
        for name in ("/".join((*parts, "__init__.py")), "/".join(parts) + ".py")
    )


def _statements(block: ast.AST) -> Iterator[ast.stmt]:
    """Yields all statements within one; expressions, most of a tree, hold none."""
    for name in ("body", "orelse", "finalbody", "handlers", "cases"):
        for part in getattr(block, name, ()):
            if isinstance(part, ast.stmt):
                yield part
            yield from _statements(part)


def _absolute(dotted: str) -> set[tuple[str, ...]]:
    first, *parts = dotted.split(".")
    if first != _ROOT.name:
        return set()
    return {tuple(parts[:depth]) for depth in range(len(parts) + 1)}
