"""Signals that ask a worker to stop: training saves after the step under way, all else ends."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
"""Slurm sends SIGUSR1 before a time limit where it is told to (``--signal=USR1@120``)."""


class Stop:
    """Whether this process was asked to stop, and whether it finishes a step first."""

    def __init__(self) -> None:
        self.requested = False
        self._deferred = False

    def listen(self) -> None:
        """Handles the signals in this process from now on."""
        for number in SIGNALS:
            signal.signal(number, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        again, self.requested = self.requested, True
        if again or not self._deferred:  # a second signal does not wait for the step
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        """While inside, a first signal only sets `requested`, for `StopHook` to see."""
        self._deferred = True
        try:
            yield
        finally:
            self._deferred = False
        if self.requested:
            raise KeyboardInterrupt


STOP = Stop()
"""Of this process."""


def any_says(yes: bool) -> bool:
    """Whether any process of a run says so: one must not leave the others waiting in a step."""
    import torch
    from mmengine.dist import all_reduce, get_world_size

    if get_world_size() == 1:
        return yes
    flag = torch.tensor(float(yes))
    all_reduce(flag, op="max")
    return bool(flag)


def stop_hook() -> Any:
    """A hook that saves and ends training after the step in which a signal came."""
    from mmengine.hooks import Hook

    from .checkpoints import checkpoint_hook

    class StopHook(Hook):  # type: ignore[misc]
        def after_train_iter(
            self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None
        ) -> None:
            if not any_says(STOP.requested):
                return
            if (saver := checkpoint_hook(runner)) is not None:
                saver.save_partway(runner, batch_idx + 1)
            raise KeyboardInterrupt

    return StopHook()
