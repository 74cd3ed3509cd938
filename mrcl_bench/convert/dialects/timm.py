"""timm's VisionTransformer and ResNet.

facebookresearch's MAE, DINO, DINOv2 and MoCo v3 name their ViTs the same way. Names read off timm
1.0.22: ``timm/models/vision_transformer.py`` and ``timm/models/resnet.py``.
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

DESCRIBES = "timm's VisionTransformer and ResNet"
VIT = Names(
    "timm",
    [
        ("cls_token", "cls_token"),
        ("pos_embed", "pos_embed"),
        ("register_tokens", "reg_token"),
        ("patch_embed.projection.*", "patch_embed.proj.*"),
        ("pre_norm.*", "norm_pre.*"),
        ("layers.#.ln1.*", "blocks.#.norm1.*"),
        ("layers.#.attn.qkv.*", "blocks.#.attn.qkv.*"),
        ("layers.#.attn.proj.*", "blocks.#.attn.proj.*"),
        ("layers.#.attn.gamma1.weight", "blocks.#.ls1.gamma"),
        ("layers.#.ln2.*", "blocks.#.norm2.*"),
        ("layers.#.ffn.layers.0.0.*", "blocks.#.mlp.fc1.*"),
        ("layers.#.ffn.layers.1.*", "blocks.#.mlp.fc2.*"),
        ("layers.#.ffn.gamma2.weight", "blocks.#.ls2.gamma"),
        ("ln1.*", "norm.*"),
        ("ln2.*", "fc_norm.*"),
    ],
    {
        r"dist_token": "a distillation token (DeiT)",
        r"attn_pool\.": "attention pooling",
        r"patch_embed\.(backbone|stem)": "a convolutional stem",
        r"patch_embed\.norm\.": "a norm in the patch embedding",
        r"blocks\.\d+\.attn\.[qk]_norm": "a norm of query and key",
        r"blocks\.\d+\.mlp\.(w\d+|gate|fc1_[gx])": "SwiGLU",
        r".*(rel_pos|relative_position)": "a relative position bias",
    },
)
# the deep stem of ResNet-D: its last norm keeps the name bn1
DEEP_STEM = [
    *((f"stem.{n}.*", f"conv1.{n}.*") for n in (0, 1, 3, 4, 6)),
    ("stem.7.*", "bn1.*"),
]
PLAIN = Names("timm", [*BODY, *PLAIN_STEM])
DEEP = Names("timm", [*BODY, *DEEP_STEM])


def to_common(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """See `Dialect`."""
    if is_resnet(weights):
        return (DEEP if "conv1.0.weight" in weights else PLAIN).to_common(weights)
    return strip(VIT.to_common(weights))


def from_common(weights: Mapping[str, Tensor], architecture: Architecture) -> dict[str, Tensor]:
    """See `Dialect`."""
    _refuse(architecture)
    check(weights, architecture)
    if architecture.type == "resnet":
        return (DEEP if architecture.deep_stem else PLAIN).from_common(weights)
    rows = int(architecture.cls_token) + architecture.register_tokens
    filled = fill(
        weights,
        architecture,
        position_rows=rows if architecture.prefix_positions else None,
        patch_bias=not architecture.pre_norm,
    )
    return VIT.from_common(filled)


def network(architecture: Architecture) -> nn.Module:
    """See `Dialect`."""
    _refuse(architecture)
    expected(architecture)
    if architecture.type == "resnet":
        return _resnet(architecture)
    return _vit(architecture)


def backbone_config(architecture: Architecture) -> dict[str, Any] | None:
    """Timm's networks have none; see `Dialect`."""
    return None


def features(module: nn.Module, images: Tensor) -> dict[str, Tensor]:
    """See `Dialect`."""
    timm: Any = module
    if hasattr(timm, "layer1"):
        _, stages = timm.forward_intermediates(images, indices=[1, 2, 3, 4])
        return {f"stage{number}": stage for number, stage in enumerate(stages, start=1)}
    tokens = timm.forward_features(images)
    found = {"tokens": tokens[:, timm.num_prefix_tokens :]}
    if timm.has_class_token:
        found["cls"] = tokens[:, 0]
    return found


def _refuse(architecture: Architecture) -> None:
    if architecture.type == "resnet" and architecture.style == "caffe":
        raise no_such_network("timm", "the stride in the first convolution (caffe's style)")
    if architecture.final_norm == "both":
        raise no_such_network("timm", "a norm of the tokens and another after pooling")
    if architecture.pre_norm and architecture.patch_bias:
        raise no_such_network("timm", "a norm before the layers and a bias of the patches")


def _resnet(architecture: Architecture) -> nn.Module:
    resnet = library("timm.models.resnet")
    kind, blocks = BLOCKS[architecture.depth or 0]
    deep = {"stem_type": "deep", "stem_width": 32} if architecture.deep_stem else {}
    with hollow():
        built: nn.Module = resnet.ResNet(
            resnet.BasicBlock if kind == "basic" else resnet.Bottleneck,
            list(blocks),
            num_classes=0,
            base_width=architecture.base_width,
            avg_down=architecture.avg_down,
            **deep,
        )
    return built


def _vit(architecture: Architecture) -> nn.Module:
    vit = library("timm.models.vision_transformer")
    layers = library("timm.layers")
    pooled = architecture.final_norm == "pooled"
    with hollow():
        built: nn.Module = vit.VisionTransformer(
            img_size=architecture.img_size,
            patch_size=architecture.patch,
            num_classes=0,
            global_pool="token" if architecture.cls_token and not pooled else "avg",
            embed_dim=architecture.embed_dims,
            depth=architecture.depth,
            num_heads=architecture.heads,
            mlp_ratio=_ratio(architecture),
            qkv_bias=architecture.qkv_bias,
            init_values=1e-5 if architecture.layer_scale else None,
            class_token=architecture.cls_token,
            no_embed_class=architecture.prefix_positions == 0,
            reg_tokens=architecture.register_tokens,
            pre_norm=architecture.pre_norm,
            final_norm=architecture.final_norm != "none",
            fc_norm=pooled,
            weight_init="skip",
            norm_layer=partial(layers.LayerNorm, eps=architecture.norm_eps),
            act_layer=architecture.activation,
        )
    return built


def _ratio(architecture: Architecture) -> float:
    """Returns a ratio that timm's ``int(width * ratio)`` takes back to the MLP's width."""
    width, mlp = architecture.embed_dims or 1, architecture.mlp_dims or 0
    return mlp / width if int(width * (mlp / width)) == mlp else (mlp + 0.5) / width
