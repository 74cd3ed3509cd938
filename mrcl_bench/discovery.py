"""Finds the modules of a package, so that nothing has to be entered in a list."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType


def modules_of(package: ModuleType | str, having: str) -> dict[str, ModuleType]:
    """Imports a package's public modules that define a name.

    Args:
        package: The package, or its name if it is being imported itself.
        having: The name that a module must define to count.

    Returns:
        Module name, without the package's, to module; sorted by name.
    """
    whole = importlib.import_module(package) if isinstance(package, str) else package
    names = sorted(module.name for module in pkgutil.iter_modules(whole.__path__))
    loaded = {
        name: importlib.import_module(f"{whole.__name__}.{name}")
        for name in names
        if not name.startswith("_")
    }
    return {name: module for name, module in loaded.items() if hasattr(module, having)}
