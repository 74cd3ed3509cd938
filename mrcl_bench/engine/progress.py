"""Progress from a worker to the command that started it, over a pipe, and to its state file.

Only progress travels this way. Results are read from records and manifests alone.
"""

from __future__ import annotations

import os

from . import state

FD_VARIABLE = "MRCL_BENCH_PROGRESS_FD"
"""Number of the open pipe, or a path to open it by: torchrun passes no open files on."""
_opened: dict[str, int] = {}


def report(done: int, total: int, what: str) -> None:
    """Tells how far this worker is; does nothing where nobody listens.

    Args:
        done: Finished steps.
        total: All steps; 0 if unknown.
        what: What the steps are, a few words.
    """
    state.note(done, total, what)
    where = os.environ.get(FD_VARIABLE)
    if where is None or os.environ.get("RANK", "0") != "0":
        return
    try:
        if where.startswith("/") and where not in _opened:
            _opened[where] = os.open(where, os.O_WRONLY)
        pipe = _opened[where] if where in _opened else int(where)
        os.write(pipe, f"{done}\t{total}\t{what}\n".encode())
    except (OSError, ValueError):
        os.environ.pop(FD_VARIABLE, None)  # the parent is gone; the work goes on
