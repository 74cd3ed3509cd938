"""Moving averages of weights, all of them at once."""

from __future__ import annotations

from math import cos, pi

import torch
from mmengine.logging import MessageHub
from mmengine.model import ExponentialMovingAverage
from torch import nn


class MomentumEncoder(ExponentialMovingAverage):
    """mmengine's `ExponentialMovingAverage` of parameters, whose share may follow a cosine.

    mmengine and mmpretrain go through the parameters one by one, and mmpretrain's `CosineEMA` waits
    for the GPU at each of them to compute the same share again. Here it is computed once and
    torch updates all in one call, to the same bits.

    Args:
        model: What is averaged; buffers are copied, as by default in mmengine.
        momentum: Share of the new weights that enters the average.
        end_momentum: If given, where the share goes over the run's iterations, by half a cosine.
    """

    def __init__(
        self, model: nn.Module, momentum: float, end_momentum: float | None = None
    ) -> None:
        super().__init__(model, momentum=momentum)
        self.end_momentum = end_momentum

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """Lets the model's present weights enter the average; the first call copies them."""
        average, source = list(self.module.parameters()), list(model.parameters())
        if self.steps == 0:
            torch._foreach_copy_(average, source)
        elif self.end_momentum is None:
            torch._foreach_lerp_(average, source, self.momentum)
        else:
            share = self._share()
            torch._foreach_mul_(average, 1 - share)
            torch._foreach_add_(average, source, alpha=share)
        buffers = list(self.module.buffers())
        if buffers:
            torch._foreach_copy_(buffers, list(model.buffers()))
        self.steps += 1

    def _share(self) -> float:
        """The share at this step, by `CosineEMA`'s arithmetic."""
        total = MessageHub.get_current_instance().get_info("max_iters")
        annealing = (cos(pi * self.steps / float(total)) + 1) / 2
        return self.end_momentum - (self.end_momentum - self.momentum) * annealing
