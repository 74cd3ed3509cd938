"""Applies the switches of `mrcl_bench.switches` to a config and to the model built from it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import OPTIM_WRAPPERS

from ..augment.deferred import defer, take_on

_FUSED = ("AdamW", "Adam", "SGD")
_WRAPPERS = ("OptimWrapper", "AmpOptimWrapper", "Bf16OptimWrapper")


@OPTIM_WRAPPERS.register_module()
class Bf16OptimWrapper(OptimWrapper):  # type: ignore[misc]
    """Computes losses under autocast in bfloat16, on CPU or GPU.

    bfloat16 has the range of float32, so losses need no scaling; mmengine's `AmpOptimWrapper`
    refuses to work without a GPU.
    """

    @contextmanager
    def optim_context(self, model: torch.nn.Module) -> Iterator[None]:
        """See `OptimWrapper`."""
        device = next(model.parameters()).device.type
        with super().optim_context(model), torch.autocast(device, dtype=torch.bfloat16):
            yield


def switch_config(config: Any, switches: Iterable[str]) -> tuple[str, ...]:
    """Changes a config that is about to be trained; its hash was taken before.

    Args:
        config: Resolved config; changed in place.
        switches: What was asked for.

    Returns:
        What will have an effect: the record names no other. For the rest a warning says why not.
    """
    wrapper = config.optim_wrapper
    applied = []
    for name in switches:
        if name == "bf16":
            if wrapper.get("type", "OptimWrapper") not in _WRAPPERS:
                _warn(f"bf16: {wrapper.type} is not known to work with autocast; left out")
                continue
            if config.get("default_scope") == "mmdet":
                _warn("bf16: mmcv's operators of detectors take float32 alone; left out")
                continue
            wrapper.type = "mmengine.Bf16OptimWrapper"
            for key in ("loss_scale", "dtype", "use_fsdp"):
                wrapper.pop(key, None)
        if name == "device-views" and not defer(config):
            _warn("device-views: no views of this training are made by FusedMultiView; left out")
            continue
        if name == "fused":
            kind = str(wrapper.optimizer.type)
            if kind not in _FUSED:
                _warn(f"fused: {kind} has no such form; left out")
                continue
            wrapper.optimizer.fused = True
        applied.append(name)
    return tuple(applied)


def switch_model(model: Any, switches: Iterable[str]) -> None:
    """Changes how a model is computed, before it is trained; names of weights stay."""
    from mmpretrain.models.backbones.vision_transformer import TransformerEncoderLayer

    model = getattr(model, "module", model)
    if "channels-last" in switches:
        model.to(memory_format=torch.channels_last)
    if "device-views" in switches:
        take_on(model)
    if "compile" in switches:
        import torch._functorch.config as functorch

        functorch.donated_buffer = False  # MRCL's gradient norms go back through a graph twice
        # Blocks are alike and compiled once; a whole step takes many minutes on a CPU.
        blocks = [one for one in model.modules() if isinstance(one, TransformerEncoderLayer)]
        for block in blocks or [model.backbone]:
            block.compile()


def _warn(text: str) -> None:
    print(f"warning: {text}", file=sys.stderr)  # noqa: T201
