"""Keeps a run's weights at given moments of its course, without touching the run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from mmengine.hooks import Hook

from ..checkpoint import save_weights
from ..course import Moment
from ..record import Cost


class KeepHook(Hook):  # type: ignore[misc]
    """Saves the model's weights, with what they cost so far, at each moment.

    Nothing is drawn and nothing measured while training: the run ends with the weights that it
    would have without.

    Args:
        moments: When.
        folder: Where; a file is called like its moment.
        cost: Says what was spent until a number of steps.
    """

    def __init__(
        self, moments: Iterable[Moment], folder: Path, cost: Callable[[int], Cost]
    ) -> None:
        self._moments = {(moment.unit, moment.count): moment for moment in moments}
        self._folder = folder
        self._cost = cost

    def after_train_iter(  # noqa: D102
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        self._keep(runner, self._moments.get(("iter", runner.iter + 1)), runner.iter + 1)

    def after_train_epoch(self, runner: Any) -> None:  # noqa: D102
        # The steps of this epoch are counted already.
        self._keep(runner, self._moments.get(("epoch", runner.epoch + 1)), runner.iter)

    def _keep(self, runner: Any, moment: Moment | None, steps: int) -> None:
        if moment is None or runner.rank != 0:
            return
        model = runner.model.module if hasattr(runner.model, "module") else runner.model
        path = kept_file(self._folder, moment)
        save_weights(path, model.state_dict(), {"cost": self._cost(steps).model_dump()})


def kept_file(folder: Path, moment: Moment) -> Path:
    """Where a run's weights of a moment are kept until it ends."""
    return folder / f"{moment.label}.pth"
