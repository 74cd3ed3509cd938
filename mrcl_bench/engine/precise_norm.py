"""Statistics of batch norms measured anew before a model is evaluated."""

from __future__ import annotations

import itertools
from typing import Any

import torch
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from torch.nn.modules.batchnorm import _BatchNorm


# In the root registry, where mmdet's and mmseg's look-up ends.
@HOOKS.register_module()
class PreciseNormHook(Hook):  # type: ignore[misc]
    """Replaces running means and variances after the last step by averages over many batches.

    Running averages lag behind weights that have just changed; here the weights stand still (Wu and
    Johnson, arXiv 2105.07576; detectron2's ``TEST.PRECISE_BN``). Batches are those of training, and
    the pass is that of training, so that a detector's head sees the regions that it was trained on.
    mmpretrain's `PreciseBNHook` does neither for mmdet: it calls the model in mode "tensor", where
    mmdet takes test-time proposals, and needs a loader with a fixed batch size.

    Args:
        batches: Batches of training data, per process.
    """

    priority = "ABOVE_NORMAL"  # before the last checkpoint is saved

    def __init__(self, batches: int = 200) -> None:
        if batches < 1:
            raise ValueError(f"batches must be at least 1, not {batches}.")
        self.batches = batches

    def after_train_iter(  # noqa: D102
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        if runner.iter + 1 < runner.max_iters:
            return
        # A loader of its own, as in detectron2: mmdet's AspectRatioBatchSampler over an endless
        # sampler never gives out a batch again when it is begun a second time.
        loader = runner.build_dataloader(runner.cfg.train_dataloader, seed=runner.seed)
        measure(runner.model, loader, self.batches)


@torch.no_grad()
def measure(model: Any, loader: Any, batches: int) -> int:
    """Sets the statistics of all batch norms in training mode to their average over batches.

    Args:
        model: In training mode; may be wrapped for several processes.
        loader: Batches of training data.
        batches: How many of its batches to take, or all of them if it has fewer.

    Returns:
        The number of norms.
    """
    model = getattr(model, "module", model)
    norms = [m for m in model.modules() if isinstance(m, _BatchNorm) and m.training]
    if not norms:
        return 0
    momenta = [norm.momentum for norm in norms]
    buffers = [b for norm in norms for b in (norm.running_mean, norm.running_var) if b is not None]
    totals = [torch.zeros_like(buffer) for buffer in buffers]
    taken = 0
    for norm in norms:
        norm.momentum = 1.0  # running statistics become those of the batch
    try:
        for batch in itertools.islice(loader, batches):
            data = model.data_preprocessor(batch, True)
            model(**data, mode="loss")
            taken += 1
            for buffer, total in zip(buffers, totals, strict=True):
                total += buffer
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
    for buffer, total in zip(buffers, totals, strict=True):
        total /= taken
        all_reduce(total, op="mean")  # nothing in a single process
        buffer.copy_(total)
    return len(norms)
