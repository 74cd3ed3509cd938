"""Lets the processes that load pictures outlive a signal to every process of a job."""

from __future__ import annotations

import os
import signal
import threading
from typing import Any

_SECONDS = 20.0
"""Long enough for a step and its checkpoint, shorter than the 30 s that Slurm waits as a rule."""


def spare_loaders(seconds: float = _SECONDS) -> None:
    """Lets a SIGTERM end loaders only after some time, but their own process's at once.

    Slurm ends a job by a SIGTERM to each of its processes. A loader that dies of it raises an error
    in the middle of the step under way, which then cannot be saved (torch's handler of SIGCHLD).

    Args:
        seconds: How long they live on.
    """
    from torch.utils.data import _utils

    signal_handling: Any = _utils.signal_handling
    own = signal_handling._set_worker_signal_handlers
    if getattr(own, "spares", False) or not hasattr(signal, "sigtimedwait"):
        return

    def set_handlers(*arguments: Any) -> None:
        own(*arguments)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_end_later, args=(seconds,), daemon=True).start()

    set_handlers.spares = True  # type: ignore[attr-defined]
    signal_handling._set_worker_signal_handlers = set_handlers  # loaders look it up when they start


def _end_later(seconds: float) -> None:
    parent = os.getppid()
    if signal.sigwaitinfo({signal.SIGTERM}).si_pid != parent:
        signal.sigtimedwait({signal.SIGTERM}, seconds)  # a second one means it
    os._exit(0)
