"""Makes a resumed run draw the random numbers, and count the time, of an uninterrupted one."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch
from mmengine.hooks import Hook

from .capture import Stopwatch

_KEY = "rng"


def rng_state() -> dict[str, Any]:
    """The states of torch's (CPU), numpy's and python's generators, as plain containers."""
    kind, keys, *rest = np.random.get_state()
    version, words, gauss = random.getstate()
    return {
        "torch": torch.get_rng_state(),
        "numpy": [kind, torch.from_numpy(np.asarray(keys, dtype=np.int64)), *rest],
        "python": [version, list(words), gauss],
    }


def restore_rng(state: dict[str, Any]) -> None:
    """Puts the generators back into a state from `rng_state`."""
    torch.set_rng_state(state["torch"].cpu().to(torch.uint8))
    kind, keys, *rest = state["numpy"]
    np.random.set_state((kind, keys.cpu().numpy().astype(np.uint32), *rest))
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))


def seed_apart(*numbers: int) -> None:
    """Seeds the generators with a stream that belongs to these numbers alone."""
    python, numpy, network = np.random.SeedSequence(numbers).generate_state(3)
    random.seed(int(python))
    np.random.seed(int(numpy))
    torch.manual_seed(int(network))


class RngHook(Hook):  # type: ignore[misc]
    """Saves generator states in checkpoints and restores them when a run goes on.

    mmengine restores weights, optimiser, schedules and the sampler's place, but no generator.
    With data loaded in the main process (``num_workers=0``) an iteration-based run is then
    bit-identical to an uninterrupted one on the same CPU; with workers their seeds differ.

    Of several processes the first one does so. mmengine seeds the others like it, and all would
    draw the same views and masks: they get streams of their own, new ones when a run goes on.
    """

    def __init__(self) -> None:
        self._loaded: dict[str, Any] | None = None

    def before_save_checkpoint(self, runner: Any, checkpoint: dict[str, Any]) -> None:  # noqa: D102
        checkpoint[_KEY] = rng_state()

    def after_load_checkpoint(self, runner: Any, checkpoint: dict[str, Any]) -> None:  # noqa: D102
        self._loaded = checkpoint.get(_KEY)

    def before_train(self, runner: Any) -> None:  # noqa: D102
        state, self._loaded = self._loaded, None
        iterator = getattr(runner.train_loop, "dataloader_iterator", None)
        if runner.rank:
            seed_apart(runner.seed, runner.rank, runner.iter)
        if state is None or iterator is None:
            return
        skip = iterator.skip_iter

        def skip_and_restore(steps: int) -> None:
            skip(steps)
            iterator._ensure_iterator()  # making the loader's iterator draws from torch
            if runner.rank:
                seed_apart(runner.seed, runner.rank, runner.iter)
            else:
                restore_rng(state)

        iterator.skip_iter = skip_and_restore


class ElapsedHook(Hook):  # type: ignore[misc]
    """Carries the time spent so far through checkpoints, so that a resumed run's cost is whole.

    What was trained after the last checkpoint of an interrupted run, and lost, is not counted.
    """

    def __init__(self, watch: Stopwatch) -> None:
        self._watch = watch
        self._before = 0.0

    @property
    def seconds(self) -> float:
        """Wall-clock seconds of this run and of those that it goes on from."""
        return self._before + self._watch.seconds

    def before_save_checkpoint(self, runner: Any, checkpoint: dict[str, Any]) -> None:  # noqa: D102
        checkpoint["elapsed_seconds"] = self.seconds

    def after_load_checkpoint(self, runner: Any, checkpoint: dict[str, Any]) -> None:  # noqa: D102
        self._before = float(checkpoint.get("elapsed_seconds", 0.0))
