"""Progress from a worker to the command that started it, over a pipe.

Only progress travels this way. Results are read from records and manifests alone.
"""

from __future__ import annotations

import os

FD_VARIABLE = "MRCL_BENCH_PROGRESS_FD"


def report(done: int, total: int, what: str) -> None:
    """Tells the parent how far this worker is; does nothing where nobody listens.

    Args:
        done: Finished steps.
        total: All steps; 0 if unknown.
        what: What the steps are, a few words.
    """
    number = os.environ.get(FD_VARIABLE)
    if number is None:
        return
    try:
        os.write(int(number), f"{done}\t{total}\t{what}\n".encode())
    except (OSError, ValueError):
        os.environ.pop(FD_VARIABLE, None)  # the parent is gone; the work goes on
