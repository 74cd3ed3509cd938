"""Small networks of other libraries with random weights, for tests of conversions."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def resnet18(seed: int = 0) -> dict[str, Any]:
    """See `resnet`."""
    return resnet(18, seed)


def resnet(depth: int, seed: int = 0) -> dict[str, Any]:
    """A torchvision ResNet's state dict, classifier and all, its statistics not trivial."""
    import torch
    import torchvision

    torch.manual_seed(seed)
    return _shaken(torchvision.models.get_model(f"resnet{depth}"))


def vit128(seed: int = 0, **options: Any) -> dict[str, Any]:
    """State dict of a timm ViT that the micro protocols judge: 128 wide, 4 deep, patch 8."""
    plan = {
        "img_size": 48,
        "patch_size": 8,
        "embed_dim": 128,
        "depth": 4,
        "num_heads": 4,
        "num_classes": 5,
    }
    return vit(seed, **{**plan, **options})


def vit(seed: int = 0, **options: Any) -> dict[str, Any]:
    """A timm ViT's state dict."""
    import timm
    import torch

    torch.manual_seed(seed)
    return _shaken(timm.models.VisionTransformer(**options))


def moco(backbone: dict[str, Any], prefix: str = "module.encoder_q.") -> dict[str, Any]:
    """Wraps a backbone as MoCo v1/v2 saves it: two encoders with heads, and a queue."""
    import torch

    key = prefix.replace("encoder_q", "encoder_k")
    found = {prefix + name: value for name, value in backbone.items()}
    found |= {key + name: value * 0.5 + 0.01 for name, value in backbone.items()}
    found["module.queue"] = torch.ones(5, 8)
    found["module.queue_ptr"] = torch.zeros(1, dtype=torch.long)
    return {"epoch": 200, "arch": "resnet18", "state_dict": found}


def save(path: Path, content: Any) -> Path:
    """Writes ``.safetensors`` or what torch writes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".safetensors":
        from safetensors.torch import save_file

        save_file({key: value.contiguous() for key, value in content.items()}, path)
    else:
        import torch

        torch.save(content, path)
    return path


def _shaken(network: Any) -> dict[str, Any]:
    """Random numbers for what libraries initialise with zeros and ones."""
    import torch

    generator = torch.Generator().manual_seed(7)
    found = {}
    for key, value in network.state_dict().items():
        if value.is_floating_point() and value.ndim <= 1 or key == "cls_token":
            noise = torch.rand(value.shape, generator=generator)
            value = value + 0.1 * noise
        found[key] = value
    return found
