"""The resolved configs behind records: as kept, else as today's files give them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from ..catalog import Catalog, config_root, load_catalog
from ..kept_configs import Found, find
from ..record import Record
from ..trust import require_trust


class Configs:
    """Looks resolved configs up for the records of one results folder.

    Args:
        results: The results folder.
        more: A further folder of configs, as for ``--configs``.

    Raises:
        BenchError: Nobody said that the further folder is trusted.
    """

    def __init__(self, results: Path, more: Path | None = None) -> None:
        if more is not None:
            require_trust(more, config_root())
        self._folder = results / "configs"
        self._more = more
        self._find = cache(self._look)

    def protocol(self, record: Record) -> Found:
        """The config of a record's protocol."""
        return self._find(record.protocol.name, record.protocol.config_sha256)

    def recipe(self, record: Record) -> Found:
        """The config of a record's recipe; weights from elsewhere have none."""
        found = self._find(record.recipe.name, record.recipe.config_sha256)
        if found.config is None and record.recipe.name not in self._catalog().recipes:
            return Found(None, f"{found.origin} (weights from elsewhere have none)")
        return found

    def _look(self, name: str, sha256: str) -> Found:
        catalog = self._catalog()
        spec = catalog.recipes.get(name) or catalog.protocols.get(name)
        return find(self._folder, sha256, [spec.path] if spec else [])

    def _catalog(self) -> Catalog:
        return _catalog(self._more)


@cache
def _catalog(more: Path | None) -> Catalog:
    return load_catalog(more)
