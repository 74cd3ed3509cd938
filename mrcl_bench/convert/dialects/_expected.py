"""The common names of a network's weights, and their shapes, from the architecture alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ...errors import BenchError
from .._faults import refuse_faults
from ._names import SHOWN

if TYPE_CHECKING:
    from torch import Tensor

    from .._architecture import Architecture

BLOCKS = {
    18: ("basic", (2, 2, 2, 2)),
    34: ("basic", (3, 4, 6, 3)),
    50: ("bottleneck", (3, 4, 6, 3)),
    101: ("bottleneck", (3, 4, 23, 3)),
    152: ("bottleneck", (3, 8, 36, 3)),
}
"""Depth to kind and number of blocks: He et al. 2016, table 1 (arXiv:1512.03385)."""

Shapes = dict[str, tuple[int, ...]]


def expected(architecture: Architecture) -> Shapes:
    """Lists the common names of a network.

    Args:
        architecture: Of a ViT or ResNet.

    Returns:
        Name to shape; batch norms without their counters.

    Raises:
        BenchError: There is no such network.
    """
    if architecture.type == "vit":
        return _vit(architecture)
    if architecture.type == "resnet" and architecture.depth in BLOCKS:
        return _resnet(architecture)
    raise BenchError(
        f"a network of unknown architecture ({architecture.label}) cannot be converted.",
        "Known are ViTs and ResNet-18, -34, -50, -101 and -152, wide ones among them.",
    )


def check(weights: Mapping[str, Tensor], architecture: Architecture) -> None:
    """Refuses weights, by the common names, that are not all and only those of a network.

    Raises:
        BenchError: A name is missing, left over, or of another shape.
    """
    names = expected(architecture)
    counters = {name for name in weights if name.endswith(".num_batches_tracked")}
    norms = {name.removesuffix("running_mean") for name in names if name.endswith("running_mean")}
    stray = [name for name in counters if name.removesuffix("num_batches_tracked") not in norms]
    faults = {
        "missing": [name for name in names if name not in weights],
        "left over": [name for name in weights if name not in names and name not in counters]
        + stray,
        "of another shape": [
            f"{name} {tuple(weights[name].shape)}, not {shape}"
            for name, shape in names.items()
            if name in weights and tuple(weights[name].shape) != shape
        ]
        + [name for name in counters if weights[name].numel() != 1],
    }
    refuse_faults(
        f"the weights are no whole {architecture.label} (by the common names).",
        faults,
        "Get the whole file, or choose another source format with --from.",
        SHOWN,
    )


def _vit(a: Architecture) -> Shapes:
    width, mlp, patch = a.embed_dims or 0, a.mlp_dims or 0, a.patch or 0
    rows = a.prefix_positions + ((a.img_size or 0) // max(patch, 1)) ** 2
    if a.img_size is None:
        raise BenchError(
            "the weights have no position embedding of a square grid, by which a ViT is known.",
            "Resize the positions to a square grid first.",
        )
    shapes: Shapes = {"pos_embed": (1, rows, width)}
    if a.cls_token:
        shapes["cls_token"] = (1, 1, width)
    if a.register_tokens:
        shapes["register_tokens"] = (1, a.register_tokens, width)
    shapes["patch_embed.projection.weight"] = (width, 3, patch, patch)
    if a.patch_bias:
        shapes["patch_embed.projection.bias"] = (width,)
    norms = ["pre_norm"] if a.pre_norm else []
    norms += ["ln1"] if a.final_norm in ("tokens", "both") else []
    norms += ["ln2"] if a.final_norm in ("pooled", "both") else []
    for layer in (f"layers.{number}" for number in range(a.depth or 0)):
        norms += [f"{layer}.ln1", f"{layer}.ln2"]
        shapes[f"{layer}.attn.qkv.weight"] = (3 * width, width)
        if a.qkv_bias:
            shapes[f"{layer}.attn.qkv.bias"] = (3 * width,)
        linear = {"attn.proj": (width, width), "ffn.layers.0.0": (mlp, width)}
        for name, shape in {**linear, "ffn.layers.1": (width, mlp)}.items():
            shapes[f"{layer}.{name}.weight"] = shape
            shapes[f"{layer}.{name}.bias"] = shape[:1]
        if a.layer_scale:
            shapes[f"{layer}.attn.gamma1.weight"] = (width,)
            shapes[f"{layer}.ffn.gamma2.weight"] = (width,)
    for norm in norms:
        shapes[f"{norm}.weight"] = shapes[f"{norm}.bias"] = (width,)
    return shapes


def _resnet(a: Architecture) -> Shapes:
    shapes: Shapes = {}
    if a.deep_stem:
        for place, (inside, outside) in zip((0, 3, 6), ((3, 32), (32, 32), (32, 64)), strict=True):
            _convolution(shapes, f"stem.{place}", f"stem.{place + 1}", (outside, inside, 3, 3))
    else:
        _convolution(shapes, "conv1", "bn1", (64, 3, 7, 7))
    kind, numbers = BLOCKS[a.depth or 0]
    into = 64
    for stage, blocks in enumerate(numbers):
        planes = 64 << stage
        inner, out = (planes, planes)
        if kind == "bottleneck":
            inner, out = planes * a.base_width // 64, planes * 4
        for block in range(blocks):
            at = f"layer{stage + 1}.{block}"
            if kind == "basic":
                _convolution(shapes, f"{at}.conv1", f"{at}.bn1", (out, into, 3, 3))
                _convolution(shapes, f"{at}.conv2", f"{at}.bn2", (out, out, 3, 3))
            else:
                _convolution(shapes, f"{at}.conv1", f"{at}.bn1", (inner, into, 1, 1))
                _convolution(shapes, f"{at}.conv2", f"{at}.bn2", (inner, inner, 3, 3))
                _convolution(shapes, f"{at}.conv3", f"{at}.bn3", (out, inner, 1, 1))
            if block == 0 and (into != out or stage > 0):
                first = int(a.avg_down)
                down = f"{at}.downsample"
                _convolution(shapes, f"{down}.{first}", f"{down}.{first + 1}", (out, into, 1, 1))
            into = out
    return shapes


def _convolution(shapes: Shapes, name: str, norm: str, shape: tuple[int, ...]) -> None:
    shapes[f"{name}.weight"] = shape
    for part in ("weight", "bias", "running_mean", "running_var"):
        shapes[f"{norm}.{part}"] = shape[:1]
