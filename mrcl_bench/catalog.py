"""Finds recipes, sweeps over recipes, and protocols by globbing ``mm_configs/``.

A config is listed when it carries a literal ``bench = dict(...)`` block. The block is
read from the syntax tree, so listing neither runs a config nor imports torch.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from .errors import EXIT_USAGE, BenchError, unknown_name
from .profiles import Profile
from .spec import Protocol, Recipe, Sweep
from .sweep import expand
from .trust import require_trust

_NOT_IN_BLOCKS = frozenset({"name", "path", "overrides", "of"})
"""Fields of a spec that its bench block does not set."""


def config_root() -> Path:
    """Returns the folder of configs: inside the installed package, else beside it."""
    package = Path(__file__).resolve().parent
    installed = package / "mm_configs"
    return installed if installed.is_dir() else package.parent / "mm_configs"


def _literal(node: ast.expr) -> Any:
    """Evaluates a literal in which ``dict(a=1)`` is allowed."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict":
        if node.args or any(keyword.arg is None for keyword in node.keywords):
            raise ValueError("dict() takes keywords only here")
        return {str(keyword.arg): _literal(keyword.value) for keyword in node.keywords}
    return ast.literal_eval(node)


def read_bench_block(path: Path) -> dict[str, Any] | None:
    """Reads a config's ``bench`` block.

    Returns:
        The block, or ``None`` for a config without one.

    Raises:
        BenchError: The file is not Python, or the block is not a literal.
    """
    try:
        tree = ast.parse(path.read_text(), filename=str(path))
        for statement in tree.body:
            if isinstance(statement, ast.Assign) and any(
                isinstance(target, ast.Name) and target.id == "bench"
                for target in statement.targets
            ):
                block = _literal(statement.value)
                if not isinstance(block, dict):
                    raise ValueError("bench is not a dict")
                return block
    except (OSError, SyntaxError, ValueError, TypeError, RecursionError, MemoryError) as error:
        raise BenchError(
            f"cannot read the bench block of {path}: {error}.",
            "Write it as bench = dict(key='value', …) with plain literals.",
            EXIT_USAGE,
        ) from None
    return None


def _build(path: Path, block: dict[str, Any]) -> Recipe | Protocol | Sweep:
    kinds: dict[str, type[Recipe] | type[Protocol] | type[Sweep]] = {
        "recipe": Recipe,
        "protocol": Protocol,
        "sweep": Sweep,
    }
    kind = block.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        raise unknown_name(f"bench kind in {path}", str(kind), kinds)
    model = kinds[kind]
    for key in block:
        if key not in model.model_fields or key in _NOT_IN_BLOCKS:
            raise unknown_name(
                f"bench key in {path}", str(key), set(model.model_fields) - _NOT_IN_BLOCKS
            )
    try:
        return model.model_validate({**block, "name": path.stem, "path": path})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BenchError(
            f"{path}: bench.{where}: {first['msg']}.", "Mend the bench block.", EXIT_USAGE
        ) from None


class Catalog:
    """All recipes, those that sweeps make among them, and protocols below some folders.

    Args:
        roots: Folders that are searched; sub-folders with a leading underscore are skipped.

    Raises:
        BenchError: A bench block is wrong, two configs share a name, or a sweep has no base.
    """

    def __init__(self, *roots: Path) -> None:
        self.recipes: dict[str, Recipe] = {}
        self.protocols: dict[str, Protocol] = {}
        self.sweeps: dict[str, Sweep] = {}
        paths = [(root, path) for root in roots for path in sorted(root.rglob("*.py"))]
        for root, path in paths:
            if any(part.startswith("_") for part in path.relative_to(root).parts[:-1]):
                continue
            block = read_bench_block(path)
            if block is None:
                continue
            self._add(_build(path, block))
        for sweep in self.sweeps.values():
            self._expand(sweep)

    def _add(self, spec: Recipe | Protocol | Sweep) -> None:
        if any(spec.name in known for known in (self.recipes, self.protocols, self.sweeps)):
            raise BenchError(
                f"two configs are called {spec.name}: {spec.path} is the second.",
                "Rename one of them.",
                EXIT_USAGE,
            )
        if isinstance(spec, Recipe):
            self.recipes[spec.name] = spec
        elif isinstance(spec, Protocol):
            self.protocols[spec.name] = spec
        else:
            self.sweeps[spec.name] = spec

    def _expand(self, sweep: Sweep) -> None:
        if sweep.base not in self.recipes:
            raise unknown_name(f"base recipe of sweep {sweep.path}", sweep.base, self.recipes)
        base = self.recipes[sweep.base]
        if base.overrides:
            raise BenchError(
                f"the base of sweep {sweep.path} is itself a sweep's point.",
                "Name a recipe that has a file.",
                EXIT_USAGE,
            )
        if any(sweep.family in (r.name, r.family, r.algorithm) for r in self.recipes.values()):
            raise BenchError(
                f"sweep {sweep.path}: the word '{sweep.family}' already selects recipes.",
                "Give the sweep a family of its own.",
                EXIT_USAGE,
            )
        for recipe in expand(sweep, base):
            self._add(recipe)

    def recipe(self, name: str) -> Recipe:
        """Returns a recipe by name or raises with a did-you-mean."""
        if name not in self.recipes:
            raise unknown_name("recipe", name, self.recipes)
        return self.recipes[name]

    def protocol(self, name: str) -> Protocol:
        """Returns a protocol by name or raises with a did-you-mean."""
        if name not in self.protocols:
            raise unknown_name("protocol", name, self.protocols)
        return self.protocols[name]

    def select_recipes(self, profile: Profile, wanted: list[str]) -> list[Recipe]:
        """Recipes of a profile, by name, family or algorithm.

        With ``@<moment>`` behind it, the checkpoint kept then is meant, see `mrcl_bench.course`.
        Those on request are found by name or family; if none is wanted, all the others are meant.
        A sweep's family begins with its base.
        """
        pool = [recipe for recipe in self.recipes.values() if profile in recipe.profiles]
        bases = {(sweep.base, sweep.family) for sweep in self.sweeps.values()}
        if not wanted:
            return [recipe for recipe in pool if not recipe.on_request]
        chosen: list[Recipe] = []
        for asked in wanted:
            word, _, moment = asked.partition("@")
            found = [
                r for r in pool if word and (word in (r.name, r.family) or (r.name, word) in bases)
            ] or [r for r in pool if word == r.algorithm and not r.on_request]
            if not found:
                known = {name for r in pool for name in (r.name, r.family, r.algorithm) if name}
                raise unknown_name(f"recipe of profile {profile}", word, known)
            if moment:
                from .course import at

                found = at(found, moment)
            chosen += [recipe for recipe in found if recipe not in chosen]
        return chosen

    def select_protocols(self, profile: Profile, wanted: list[str]) -> list[Protocol]:
        """Protocols of a profile, by name, family or task.

        Those on request are found by name or family; if none is wanted, all the others are meant.
        """
        pool = [protocol for protocol in self.protocols.values() if profile in protocol.profiles]
        if not wanted:
            return [protocol for protocol in pool if not protocol.on_request]
        chosen: list[Protocol] = []
        for word in wanted:
            found = [p for p in pool if word in (p.name, p.family)] or [
                p for p in pool if word == p.task and not p.on_request
            ]
            if not found:
                known = {name for p in pool for name in (p.name, p.family, p.task)}
                raise unknown_name(f"protocol of profile {profile}", word, known)
            chosen += [protocol for protocol in found if protocol not in chosen]
        return chosen


def load_catalog(more: Path | None = None) -> Catalog:
    """Reads the shipped configs and, if given, a further folder of the user's.

    Raises:
        BenchError: The further folder does not exist, or nobody said that it is trusted.
    """
    if more is None:
        return Catalog(config_root())
    if not more.is_dir():
        raise BenchError(f"there is no folder {more}.", "Give --configs a folder.", EXIT_USAGE)
    require_trust(more, config_root())
    return Catalog(config_root(), more.resolve())
