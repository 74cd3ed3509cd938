"""Builds networks without the time and memory of weights that are overwritten anyway."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ...errors import BenchError

if TYPE_CHECKING:
    from types import ModuleType


def library(module: str) -> ModuleType:
    """Imports a module of a library that need not be installed.

    Raises:
        BenchError: It is not.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        name = module.split(".")[0]
        raise BenchError(
            f"{name} is needed for this and cannot be imported: {error}.",
            "Install mrcl-bench with its extra [mm].",
        ) from None


def no_such_network(name: str, what: str) -> BenchError:
    """Builds the error for an architecture that a library lacks."""
    if what == "register tokens":
        cure = "timm has it: --to timm."
    elif name in ("timm", "mmpretrain"):
        cure = "Choose another target with --to."
    else:
        cure = (
            "timm or mmpretrain has it: --to timm, or --to mmpretrain, whose networks mmdet and "
            "mmseg build as type='mmpretrain.…'."
        )
    return BenchError(f"{name} has no network with {what}.", cure)


@contextmanager
def hollow() -> Iterator[None]:
    """Within it, uninitialised tensors (``torch.empty``) have no storage.

    Layers take their weights from there, so that a network is built in no time; it must then be
    filled with ``load_state_dict(…, assign=True)``. Tensors made otherwise are real: libraries
    compute with them while they build (``torch.linspace(…).item()``), which the meta device as
    default would forbid.
    """
    import torch
    from torch.overrides import TorchFunctionMode

    class Mode(TorchFunctionMode):
        def __torch_function__(
            self,
            func: Callable[..., Any],
            types: Sequence[Any],
            args: Sequence[Any] = (),
            kwargs: Mapping[str, Any] | None = None,
        ) -> Any:
            options = dict(kwargs or {})
            if func is torch.empty and options.get("device") is None:
                options["device"] = "meta"
            return func(*args, **options)

    with Mode():
        yield
