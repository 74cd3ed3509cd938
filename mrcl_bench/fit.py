"""Which protocols a backbone fits: their networks are built and compared with the weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import BenchError
from .resolve import load_config

if TYPE_CHECKING:
    from .convert._architecture import Architecture
    from .spec import Protocol, Recipe

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Network:
    """What a protocol's backbone asks of weights.

    Attributes:
        shapes: Key to shape, without the counters of batch norms.
        heads: Attention heads of its first layer, None where there is no attention.
        style: ``pytorch`` or ``caffe`` of a ResNet: which convolution of a block has the stride.
        activation: Of a ViT's MLP: ``gelu``, ``gelu_tanh`` or the name of another class.
    """

    shapes: Shapes
    heads: int | None = None
    style: str | None = None
    activation: str | None = None


def heads_of(backbone: Any) -> int | None:
    """Attention heads of a network's first attention, or None."""
    for module in backbone.modules():
        heads = getattr(module, "num_heads", None)
        if isinstance(heads, int):
            return heads
    return None


def shapes_of(weights: Mapping[str, Any]) -> Shapes:
    """Key to shape of a state dict, without the counters of batch norms."""
    return {
        key: tuple(value.shape)
        for key, value in weights.items()
        if key.rpartition(".")[2] != "num_batches_tracked"
    }


def networks(protocols: Iterable[Protocol]) -> dict[str, Network]:
    """Builds the backbones of protocols, equal ones once and without memory for their weights.

    Args:
        protocols: The protocols; their configs are executed.

    Returns:
        Protocol's name to its network.

    Raises:
        BenchError: A config does not load, or its backbone cannot be built.
    """
    built: dict[str, Network] = {}
    found: dict[str, Network] = {}
    for protocol in protocols:
        config = load_config(protocol.path)
        scope = str(config.get("default_scope", "mmpretrain"))
        key = f"{scope} {config.model.backbone}"
        if key not in built:
            built[key] = _build(protocol, config)
        found[protocol.name] = built[key]
    return found


def misfit(network: Network, weights: Shapes, architecture: Architecture) -> str | None:
    """Says why weights do not fit a network, or None if they do.

    The rule is that of loading (`mrcl_bench.checkpoint.load_backbone`): every key there, none left
    over, equal shapes but for the length of the position embedding, which is resampled. What keys
    do not show, heads and a ResNet's style, must agree as well.

    Args:
        network: A protocol's backbone.
        weights: Key to shape of the converted weights.
        architecture: What else is known of them.

    Returns:
        One clause, or None.
    """
    if not network.shapes.keys() & weights.keys():
        return "another kind of network"
    missing = [key for key in network.shapes if key not in weights]
    surplus = [key for key in weights if key not in network.shapes]
    other = [
        f"{key} is {weights[key]}, not {shape}"
        for key, shape in network.shapes.items()
        if key in weights and not _same(key, weights[key], shape)
    ]
    if missing or surplus or other:
        kinds = [
            f"{len(keys)} {what} ({keys[0]}{' …' if len(keys) > 1 else ''})"
            for keys, what in ((missing, "missing"), (surplus, "left over"), (other, "unequal"))
            if keys
        ]
        return ", ".join(kinds)
    heads = architecture.num_heads
    if network.heads is not None and heads is not None and network.heads != heads:
        return f"{network.heads} heads instead of {heads}"
    style = architecture.style
    if architecture.type == "resnet" and network.style not in (None, style):
        return f"a ResNet of style {network.style} instead of {style}"
    activation = architecture.activation
    if architecture.type == "vit" and network.activation not in (None, activation):
        return f"activation {network.activation} instead of {activation}"
    return None


def _same(key: str, one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    if key == "pos_embed" and len(one) == len(other) == 3:
        return one[::2] == other[::2]
    return one == other


def build_backbone(spec: Protocol | Recipe, config: Any) -> Any:
    """Builds a config's backbone, without memory for its weights where it lets itself be built so.

    Args:
        spec: For messages.
        config: Its config.

    Returns:
        The module, on ``meta`` if possible.

    Raises:
        BenchError: It cannot be built.
    """
    import torch
    from mmengine.registry import MODELS

    from .engine.runtime import import_custom

    import_custom(config)
    scope = str(config.get("default_scope", "mmpretrain"))
    plan = {**config.model.backbone.to_dict(), "_scope_": scope}
    plan.pop("init_cfg", None)
    try:
        try:
            with torch.device("meta"):
                return MODELS.build(dict(plan))
        except (NotImplementedError, RuntimeError):  # it reads a value while it is built
            return MODELS.build(dict(plan))
    except Exception as error:  # whatever a network raises is a fault of its config
        raise BenchError(
            f"the backbone of {spec.kind} {spec.name} cannot be built: "
            f"{type(error).__name__}: {error}.",
            f"Mend {spec.path}.",
        ) from None


def _build(protocol: Protocol, config: Any) -> Network:
    module = build_backbone(protocol, config)
    style = getattr(module, "style", None)
    return Network(
        shapes=shapes_of(module.state_dict()),
        heads=heads_of(module),
        style=style if isinstance(style, str) else None,
        activation=_activation(module),
    )


def _activation(backbone: Any) -> str | None:
    """Activation of a ViT's MLP, by the names in `Architecture`."""
    from torch import nn

    for module in backbone.modules():
        if isinstance(module, nn.GELU):
            return "gelu_tanh" if module.approximate == "tanh" else "gelu"
        if type(module).__name__ == "QuickGELU":
            return "quick_gelu"
    return None
