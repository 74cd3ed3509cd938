"""Imports of the training stack without the garbage collector's detours."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_ALLOCATIONS = 100_000
_MANY = 50


@contextmanager
def importing() -> Iterator[None]:
    """Lets the collector rest while modules are imported, which make objects and no garbage.

    Otherwise it walks over all of them again and again, a fifth of the imports' time. Where much
    was imported it is told to leave that alone from then on; where all was there already, as for
    a second job in the process, nothing changes.
    """
    usual, before = gc.get_threshold(), len(sys.modules)
    gc.set_threshold(_ALLOCATIONS, *usual[1:])
    try:
        yield
    finally:
        if len(sys.modules) - before > _MANY:
            gc.freeze()
        gc.set_threshold(*usual)
