"""Which protocols a backbone fits: their networks are built and compared with the weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import BenchError
from .loading import Loading, loading_of, matches
from .resolve import load_config

if TYPE_CHECKING:
    from .convert._architecture import Architecture
    from .spec import Protocol, Recipe

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Network:
    """What a protocol's backbone asks of weights.

    Attributes:
        shapes: Key to shape, without the counters of batch norms; of its backbone and of whatever
            is loaded beside it.
        heads: Attention heads of its first layer, None where there is no attention.
        style: ``pytorch`` or ``caffe`` of a ResNet: which convolution of a block has the stride.
        activation: Of a ViT's MLP: ``gelu``, ``gelu_tanh`` or the name of another class.
        loading: Which keys weights need not have, and which weights are not used.
    """

    shapes: Shapes
    heads: int | None = None
    style: str | None = None
    activation: str | None = None
    loading: Loading = Loading()


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
        loading = loading_of(config)
        beside = [_planned(protocol, config, path) for path in loading.beside]
        key = f"{scope} {config.model.backbone} {beside} {loading}"
        if key not in built:
            built[key] = _build(protocol, config, beside, loading)
        found[protocol.name] = built[key]
    return found


def misfit(network: Network, weights: Shapes, architecture: Architecture) -> str | None:
    """Says why weights do not fit a network, or None if they do.

    The rule is that of loading (`mrcl_bench.backbone_weights.load_backbone`): every key there but
    those that the protocol declares as new, none left over but those that it leaves out, equal
    shapes but for the length of the position embedding, which is resampled. What keys do not show,
    heads and a ResNet's style, must agree as well.

    Args:
        network: A protocol's backbone.
        weights: Key to shape of the converted weights.
        architecture: What else is known of them.

    Returns:
        One clause, or None.
    """
    if not network.shapes.keys() & weights.keys():
        return "another kind of network"
    new, left_out = network.loading.new, network.loading.left_out
    missing = [k for k in network.shapes if k not in weights and not matches(k, new)]
    surplus = [k for k in weights if k not in network.shapes and not matches(k, left_out)]
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
    return _module(spec, config, config.model.backbone)


def _planned(protocol: Protocol, config: Any, path: str) -> Any:
    """The part of a config's model that a path leads to."""
    plan = config.model
    for name in path.split("."):
        plan = plan.get(name) if isinstance(plan, Mapping) else None
    if plan is None:
        raise BenchError(
            f"protocol {protocol.name} has no model.{path}.",
            f"Mend 'beside' in the loading block of {protocol.path}.",
        )
    return plan


def _module(spec: Protocol | Recipe, config: Any, part: Any) -> Any:
    import torch
    from mmengine.registry import MODELS

    from .engine.runtime import import_custom

    import_custom(config)
    scope = str(config.get("default_scope", "mmpretrain"))
    plan = {**part.to_dict(), "_scope_": scope}
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


def _build(protocol: Protocol, config: Any, beside: list[Any], loading: Loading) -> Network:
    modules = [_module(protocol, config, part) for part in (config.model.backbone, *beside)]
    module = modules[0]
    style = getattr(module, "style", None)
    return Network(
        shapes={k: s for m in modules for k, s in shapes_of(m.state_dict()).items()},
        heads=heads_of(module),
        style=style if isinstance(style, str) else None,
        activation=_activation(module),
        loading=loading,
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
