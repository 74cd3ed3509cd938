"""What several processes that train together must know of a network before they begin.

torch's DDP waits for a gradient of every weight that is trained when the network is wrapped.
mmengine wraps it first and initialises it afterwards, and some networks freeze a weight only then:
mmpretrain's MoCo v3 ViT its positions. A weight without a gradient stops such a run's second step.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.runner import Runner

from ..errors import EXIT_FAILED, BenchError


class FreezingRunner(Runner):  # type: ignore[misc]
    """A Runner that wraps a network as it will be trained."""

    def wrap_model(self, model_wrapper_cfg: Any, model: Any) -> Any:  # noqa: D102
        if self.distributed:
            freeze_as_initialised(model)
        return super().wrap_model(model_wrapper_cfg, model)


def freeze_as_initialised(model: Any) -> None:
    """Freezes what a network's initialisation will freeze; no random number is used up.

    Args:
        model: A network that is not initialised; only what it trains is changed.
    """
    if not hasattr(model, "init_weights"):
        return
    trial = copy.deepcopy(model)
    with _unnoticed():
        trial.init_weights()
    trained = {name for name, weight in trial.named_parameters() if weight.requires_grad}
    for name, weight in model.named_parameters():
        if name not in trained:
            weight.requires_grad_(False)


@contextmanager
def _unnoticed() -> Iterator[None]:
    """Leaves random streams and the log as they were."""
    logger = MMLogger.get_current_instance()
    handlers, states = logger.handlers, (random.getstate(), np.random.get_state())
    logger.handlers = []
    try:
        with torch.random.fork_rng():
            yield
    finally:
        logger.handlers = handlers
        random.setstate(states[0])
        np.random.set_state(states[1])


class EveryWeightHook(Hook):  # type: ignore[misc]
    """Stops a run in one process that would stop in several: a weight without a gradient."""

    def __init__(self) -> None:
        self._without: set[str] = set()
        self._watches: list[Any] = []

    def before_train(self, runner: Runner) -> None:  # noqa: D102
        for name, weight in runner.model.named_parameters():
            if weight.requires_grad:
                self._without.add(name)
                reached = partial(self._reached, name)
                self._watches.append(weight.register_post_accumulate_grad_hook(reached))

    def _reached(self, name: str, _: Any) -> None:
        self._without.discard(name)

    def after_train_iter(  # noqa: D102
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        if not self._watches:
            return
        for watch in self._watches:
            watch.remove()
        self._watches = []
        if self._without and not runner.cfg.get("find_unused_parameters"):
            raise BenchError(
                f"no loss reaches {', '.join(sorted(self._without))}: with several processes the "
                "second step would stop.",
                "Freeze it, take it out, or set find_unused_parameters=True in the config.",
                EXIT_FAILED,
            )
