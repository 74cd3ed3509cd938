"""torchvision's ResNet and VisionTransformer.

Names read off torchvision 0.26: ``torchvision/models/resnet.py`` and ``vision_transformer.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from ._absent import fill, strip
from ._expected import BLOCKS, check, expected
from ._hollow import hollow, library, no_such_network
from ._names import Names
from ._resnets import BODY, PLAIN_STEM, is_resnet

if TYPE_CHECKING:
    from torch import Tensor, nn

    from .._architecture import Architecture

DESCRIBES = "torchvision's ResNet and VisionTransformer"
RESNET = Names("torchvision", [*BODY, *PLAIN_STEM])
_LAYER = "encoder.layers.encoder_layer_#"
VIT = Names(
    "torchvision",
    [
        ("cls_token", "class_token"),
        ("pos_embed", "encoder.pos_embedding"),
        ("patch_embed.projection.*", "conv_proj.*"),
        ("layers.#.ln1.*", f"{_LAYER}.ln_1.*"),
        ("layers.#.attn.qkv.weight", f"{_LAYER}.self_attention.in_proj_weight"),
        ("layers.#.attn.qkv.bias", f"{_LAYER}.self_attention.in_proj_bias"),
        ("layers.#.attn.proj.*", f"{_LAYER}.self_attention.out_proj.*"),
        ("layers.#.ln2.*", f"{_LAYER}.ln_2.*"),
        ("layers.#.ffn.layers.0.0.*", f"{_LAYER}.mlp.0.*"),
        ("layers.#.ffn.layers.1.*", f"{_LAYER}.mlp.3.*"),
        ("ln1.*", "encoder.ln.*"),
    ],
    {r"conv_proj\.conv": "a convolutional stem"},
)


def to_common(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """See `Dialect`."""
    if is_resnet(weights):
        return RESNET.to_common(weights)
    return strip(VIT.to_common(weights))


def from_common(weights: Mapping[str, Tensor], architecture: Architecture) -> dict[str, Tensor]:
    """See `Dialect`."""
    if architecture.style == "caffe":
        raise no_such_network("torchvision", "the stride in the first convolution (caffe's style)")
    return renamed(weights, architecture)


def renamed(weights: Mapping[str, Tensor], architecture: Architecture) -> dict[str, Tensor]:
    """As `from_common`; for proofs it takes caffe's style, which `network` can imitate."""
    _refuse(architecture)
    check(weights, architecture)
    if architecture.type == "resnet":
        return RESNET.from_common(weights)
    return VIT.from_common(
        fill(weights, architecture, position_rows=1, qkv_bias=True, patch_bias=True)
    )


def network(architecture: Architecture) -> nn.Module:
    """Builds torchvision's network; in caffe's style its strides are moved. See `Dialect`."""
    _refuse(architecture)
    expected(architecture)
    return _resnet(architecture) if architecture.type == "resnet" else _vit(architecture)


def backbone_config(architecture: Architecture) -> dict[str, Any] | None:
    """Torchvision's networks have none; see `Dialect`."""
    return None


def features(module: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """See `Dialect`."""
    vision: Any = module
    if hasattr(vision, "layer1"):
        x = vision.maxpool(vision.relu(vision.bn1(vision.conv1(images))))
        stages = {}
        for number in range(1, 5):
            x = stages[f"stage{number}"] = getattr(vision, f"layer{number}")(x)
        return stages
    patches = vision.conv_proj(images).flatten(2).transpose(1, 2)
    first = vision.class_token.expand(len(images), -1, -1)
    tokens = vision.encoder(_joined(first, patches))
    return {"tokens": tokens[:, 1:], "cls": tokens[:, 0]}


def _refuse(architecture: Architecture) -> None:
    lacking = {
        "a deep stem": architecture.deep_stem,
        "a pooled shortcut": architecture.avg_down,
        "register tokens": architecture.register_tokens > 0,
        "no class token": architecture.type == "vit" and not architecture.cls_token,
        "layer scale": architecture.layer_scale,
        "a norm before the layers": architecture.pre_norm,
        "another place than the tokens for its final norm": architecture.final_norm != "tokens",
        f"{architecture.activation} in its MLP": architecture.activation != "gelu",
    }
    for what, is_so in lacking.items():
        if is_so:
            raise no_such_network("torchvision", what)


def _joined(*parts: Tensor) -> Tensor:
    import torch

    return torch.cat(parts, dim=1)


def _resnet(architecture: Architecture) -> nn.Module:
    import torch

    resnet = library("torchvision.models.resnet")
    kind, blocks = BLOCKS[architecture.depth or 0]
    with hollow():
        built = resnet.ResNet(
            resnet.BasicBlock if kind == "basic" else resnet.Bottleneck,
            list(blocks),
            width_per_group=architecture.base_width,
        )
    built.fc = torch.nn.Identity()
    if architecture.style == "caffe" and kind == "bottleneck":
        for stage in (built.layer2, built.layer3, built.layer4):
            stage[0].conv1.stride, stage[0].conv2.stride = (2, 2), (1, 1)
    module: nn.Module = built
    return module


def _vit(architecture: Architecture) -> nn.Module:
    import torch

    vit = library("torchvision.models.vision_transformer")
    with hollow():
        built = vit.VisionTransformer(
            image_size=architecture.img_size,
            patch_size=architecture.patch,
            num_layers=architecture.depth,
            num_heads=architecture.heads,
            hidden_dim=architecture.embed_dims,
            mlp_dim=architecture.mlp_dims,
            norm_layer=partial(torch.nn.LayerNorm, eps=architecture.norm_eps),
        )
    built.heads = torch.nn.Identity()
    module: nn.Module = built
    return module
