"""Ends a worker whose starter has died, so that nobody trains unseen."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
import time

PARENT_VARIABLE = "MRCL_BENCH_PARENT"
_GRACE_SECONDS = 60.0


def watch_parent() -> None:
    """Sends this process SIGTERM once the command that started it is gone.

    A worker under torchrun watches the command, too, not torchrun. Does nothing in a worker that
    was started by hand.
    """
    number = os.environ.get(PARENT_VARIABLE)
    if number is not None:
        threading.Thread(target=_watch, args=(int(number),), daemon=True).start()


def _watch(pid: int) -> None:
    _wait_for_end_of(pid)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_GRACE_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def _wait_for_end_of(pid: int) -> None:
    if hasattr(os, "pidfd_open"):
        with contextlib.suppress(ProcessLookupError):
            handle = os.pidfd_open(pid)
            try:
                select.select([handle], [], [])
            finally:
                os.close(handle)
        return
    with contextlib.suppress(ProcessLookupError):
        while True:  # not Linux
            os.kill(pid, 0)
            time.sleep(1.0)
