"""Random weights of any architecture, by the common names, none of them trivial."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from mrcl_bench.convert._architecture import Architecture

VIT: dict[str, Any] = {
    "label": "vit-24x2-p4",
    "type": "vit",
    "embed_dims": 24,
    "depth": 2,
    "patch": 4,
    "img_size": 12,
    "num_heads": 3,
    "mlp_dims": 48,
}
RESNET18: dict[str, Any] = {
    "label": "resnet-18",
    "type": "resnet",
    "depth": 18,
    "embed_dims": 512,
    "block": "basic",
}
RESNET50 = {
    **RESNET18,
    "label": "resnet-50",
    "depth": 50,
    "embed_dims": 2048,
    "block": "bottleneck",
}


def architecture(base: dict[str, Any], **changes: Any) -> Architecture:
    from mrcl_bench.convert._architecture import Architecture

    return Architecture(**{**base, **changes})


def traits(network: Architecture) -> dict[str, Any]:
    """What its weights do not show."""
    from mrcl_bench.convert._architecture import TRAITS

    names = TRAITS if network.type == "vit" else ("style",)
    return {name: getattr(network, name) for name in names}


def weights(network: Architecture, seed: int = 0) -> dict[str, Tensor]:
    """Weights whose every element matters; batch norms have statistics and counters."""
    import torch

    from mrcl_bench.convert.dialects._expected import expected

    generator = torch.Generator().manual_seed(seed)
    found: dict[str, Tensor] = {}
    for name, shape in expected(network).items():
        noise = torch.randn(shape, generator=generator)
        if name.endswith("running_var"):
            found[name] = noise.abs() + 0.5
            found[name.replace("running_var", "num_batches_tracked")] = torch.tensor(7 + len(found))
        elif len(shape) == 1:
            found[name] = noise * 0.2 + float(name.endswith("weight"))
        elif name in ("cls_token", "pos_embed", "register_tokens"):
            found[name] = noise
        else:
            found[name] = noise * 1.4 * (noise[0].numel() ** -0.5)
    return found
