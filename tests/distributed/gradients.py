"""Two steps of pretraining on all images in one process, and on their halves in two.

Started by torchrun. Each process first computes the whole batch alone, then its part together with
the others, and the first one writes how far the two are apart.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any
from unittest import mock

import torch
import torch.distributed as dist
from mmengine.logging import MessageHub
from mmengine.model import MMDistributedDataParallel
from mmpretrain.registry import MODELS
from torch import nn
from torch.distributed.nn.functional import all_reduce

import mrcl_bench.models  # noqa: F401

from ..models.conftest import ARCH, RESNET, VIT, mlp

BATCH, STEPS, RATE = 32, 2, 0.05
GROUPS = dict(type="GN", num_groups=4)
BASE_VIT = dict(
    type="VisionTransformer", arch=ARCH, img_size=24, patch_size=4, out_type="avg_featmap"
)
BASE_RESNET = dict(type="ResNet", depth=18, stem_channels=8, base_channels=8)
SHARED = "simclr, gradients times the processes"
CONTRAST = dict(type="ContrastiveHead", loss=dict(type="CrossEntropyLoss"), temperature=0.2)


def _v3(backbone: dict, width: int, pooled: bool) -> dict:
    return dict(
        type="MoCoV3",
        backbone=backbone,
        neck=mlp(width, 16) | dict(with_avg_pool=pooled),
        head=dict(
            type="MoCoV3Head",
            predictor=mlp(16, 16),
            loss=dict(type="CrossEntropyLoss"),
            temperature=0.2,
        ),
    )


CASES: dict[str, dict[str, Any]] = {
    "mrcl, ViT": VIT,
    "mrcl, ResNet": RESNET,
    "mrcl, ResNet with group norms": RESNET
    | dict(backbone=RESNET["backbone"] | dict(norm_cfg=GROUPS)),
    "mrcl, ViT, one view reconstructed": VIT
    | dict(reconstruct_views=1, momentum_schedule="constant"),
    "mrcl, ViT, reconstruction alone": VIT | dict(contrast_weight=0),
    "mrcl, ResNet, contrast alone": RESNET | dict(reconstruct_weight=0, mask_ratio=0),
    "mocov3, ViT": _v3(BASE_VIT, 32, pooled=False),
    "mocov3, ResNet": _v3(BASE_RESNET, 64, pooled=True),
    "mocov2, ResNet": dict(
        type="MoCo",
        queue_len=64,
        feat_dim=16,
        momentum=0.01,
        backbone=BASE_RESNET,
        neck=dict(type="MoCoV2Neck", in_channels=64, hid_channels=32, out_channels=16),
        head=CONTRAST,
    ),
    "simclr, ResNet": dict(
        type="SimCLR",
        backbone=BASE_RESNET,
        neck=mlp(64, 16) | dict(with_avg_pool=True),
        head=CONTRAST,
    ),
}
CASES[SHARED] = CASES["simclr, ResNet"]


class SyncedNorm(nn.modules.batchnorm._BatchNorm):
    """What torch's `SyncBatchNorm` computes, which refuses the CPU."""

    def _check_input_dim(self, x: torch.Tensor) -> None:
        pass

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not (self.training and dist.is_initialized()):
            return super().forward(x)
        over = [d for d in range(x.dim()) if d != 1]
        sums = torch.stack([x.sum(over), x.square().sum(over)])
        mean, square = all_reduce(sums) / (x.numel() / x.shape[1] * dist.get_world_size())
        shape = [1, -1, *[1] * (x.dim() - 2)]
        x = (x - mean.view(shape)) / (square - mean.square() + self.eps).sqrt().view(shape)
        if self.affine:
            x = x * self.weight.view(shape) + self.bias.view(shape)
        return x


def synced(network: nn.Module) -> nn.Module:
    """Makes the batch norms of a network synchronised ones; a copy would cut momentum's ties."""
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.__class__ = SyncedNorm
    return network


def build(plan: dict[str, Any]) -> nn.Module:
    """A network with synchronised batch norms, the same in every process."""
    MessageHub.get_current_instance().update_info("max_iters", 10)
    torch.manual_seed(0)
    model = MODELS.build(deepcopy(plan))
    model.init_weights()
    return synced(model).train()


def steps(model: Any, mine: slice, side: int, factor: int = 1) -> Iterator[dict[str, Any]]:
    """Trains on a part of each batch; yields losses and gradients."""
    inner = model.module if hasattr(model, "module") else model
    optimizer = torch.optim.SGD(inner.parameters(), RATE)
    generator = torch.Generator().manual_seed(1)
    for _ in range(STEPS):
        views = torch.randn(2, BATCH, 3, side, side, generator=generator)
        places = torch.rand(2, BATCH, 36, generator=generator)

        def rand(rows: int, length: int, places: torch.Tensor = places, **_: Any) -> torch.Tensor:
            part = places[: rows // (mine.stop - mine.start), mine, :length]
            return part.reshape(rows, length).clone()

        with mock.patch("torch.rand", rand):
            outputs = model([view[mine] for view in views], None, mode="loss")
        optimizer.zero_grad()
        (factor * inner.parse_losses(outputs)[0]).backward()
        grads = {n: p.grad.clone() for n, p in inner.named_parameters() if p.grad is not None}
        yield {"losses": {k: v.detach() for k, v in outputs.items() if "loss" in k}, "grads": grads}
        optimizer.step()
    state = inner.state_dict()
    yield {"state": {k: v for k, v in state.items() if "running" not in k and "tracked" not in k}}


def side(name: str) -> int:
    """Of an image: what the patches of the one and the cells of the other divide."""
    return 24 if "ViT" in name else 32


def apart(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    """Largest difference, where both have the same keys."""
    assert one.keys() == other.keys() and one
    return max(float((one[k].double() - other[k].double()).abs().max()) for k in one)


def main(out: Path) -> None:
    """Compares all cases."""
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)  # what is left of a difference is not rounding
    rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    alone = {
        name: list(steps(build(plan), slice(0, BATCH), side(name))) for name, plan in CASES.items()
    }
    dist.init_process_group("gloo")
    each = BATCH // world
    found = {}
    for name, plan in CASES.items():
        model = MMDistributedDataParallel(build(plan), broadcast_buffers=False)
        factor = world if name == SHARED else 1
        part = slice(rank * each, (rank + 1) * each)
        together = list(steps(model, part, side(name), factor))
        *ran, last = zip(alone[name], together, strict=True)
        found[name] = {"losses": 0.0, "grads": 0.0, "ratios": []}
        for one, other in ran:
            for value in other["losses"].values():
                dist.all_reduce(value)
                value /= world
            found[name]["losses"] = max(
                found[name]["losses"], apart(one["losses"], other["losses"])
            )
            found[name]["grads"] = max(found[name]["grads"], apart(one["grads"], other["grads"]))
            sizes = [
                sum(g.square().sum() for g in s["grads"].values()) ** 0.5 for s in (one, other)
            ]
            found[name]["ratios"].append(float(sizes[1] / sizes[0]))
        found[name]["state"] = apart(last[0]["state"], last[1]["state"])
    if rank == 0:
        out.write_text(json.dumps(found, indent=1))
    dist.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
