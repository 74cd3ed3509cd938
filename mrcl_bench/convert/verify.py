"""Proves that converted weights are the same network: the same images through both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from ..errors import BenchError
from ._faults import refuse_faults

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ._architecture import Architecture
    from ._layout import Conversion
    from .dialects import Dialect

TOLERANCE = 1e-4
"""Largest relative difference of features in float32; renamed weights stay some 1e-6 apart, by the
order in which libraries add."""
IMAGES = 2
SEED = 20240229
RESNET_SIZE = (96, 128)
"""Height and width in pixels, small for CPUs and unequal so that no axes can be swapped unseen."""
REFERENCES = ("timm", "torchvision", "mmpretrain")
"""Who gives a second opinion where both networks are of one make, in this order."""
SHOWN = 5
_COUNTER = "num_batches_tracked"
_OTHER = "Choose another source format with --from."


class Proof(BaseModel):
    """What running both networks told.

    Attributes:
        images: How many images went through.
        largest_relative: The largest of ``by``.
        by: Feature (``tokens``, ``cls``, ``stage1`` …, of a further network ``timm tokens`` …) to
            max |a - b| / max |a|, a the source's and b the target's, in float32.
        source_network: The network with the source's own names, e.g. ``"timm VisionTransformer"``.
        target_network: The network, or networks, with the converted weights.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    images: int
    largest_relative: float
    by: dict[str, float]
    source_network: str
    target_network: str


def prove(
    conversion: Conversion,
    target: str,
    target_weights: Mapping[str, Tensor],
    architecture: Architecture,
) -> Proof:
    """Runs the same images through the source's and the target's network.

    The source's weights go by their own names into a network of the source's library, the target's
    into one of the target's. Where the two libraries share their code for this network, or are
    both OpenMMLab's, the converted weights also go into timm's or torchvision's. Besides, the
    target's weights taken back must be the source's bit for bit, counters included: features do
    not tell what they hardly depend on.

    Args:
        conversion: The backbone by the names of its dialect.
        target: Dialect of ``target_weights``.
        target_weights: The converted weights.
        architecture: Read off the backbone.

    Returns:
        The proof.

    Raises:
        BenchError: Features differ by more than `TOLERANCE`, or are constant, so that they prove
            nothing; weights were lost or changed on the way, are not finite, or a matrix of them
            is constant; or a network cannot be built or strictly filled.
    """
    import torch

    from .dialects import dialects

    known = dialects()
    source = known[conversion.dialect]
    common = known[target].to_common(target_weights)
    _same_weights(source.to_common(conversion.backbone), common, known[target])
    refuse_broken(conversion.backbone)
    images = _images(architecture)
    with torch.no_grad():
        module = filled(source, conversion.dialect, conversion.backbone, architecture)
        expected = source.features(module, images)
        source_network = _describe(conversion.dialect, module)
        make = type(module)
        del module
        _telling(expected, source_network)
        by: dict[str, float] = {}
        names: list[str] = []
        module = filled(known[target], target, target_weights, architecture)
        if type(module) is not make:
            names.append(_describe(target, module))
            by |= _compare(expected, known[target].features(module, images), "")
        if not names or not {conversion.dialect, target} & {"timm", "torchvision"}:
            if second := _second_opinion(conversion.dialect, target, common, architecture):
                name, module = second
                if type(module) is not make:
                    prefix = f"{name} " if names else ""
                    names.append(_describe(name, module))
                    by |= _compare(expected, known[name].features(module, images), prefix)
        if not names:
            names.append(f"{_describe(target, module)} (no other library has this network)")
            by = _compare(expected, known[target].features(module, images), "")
    proof = Proof(
        images=len(images),
        largest_relative=max(by.values()),
        by=by,
        source_network=source_network,
        target_network=" and ".join(names),
    )
    if not proof.largest_relative <= TOLERANCE:
        worst = max(by, key=lambda name: by[name])
        raise BenchError(
            f"the converted weights are another network: '{worst}' differs by {by[worst]:.2g} "
            f"relative, more than {TOLERANCE:g} ({source_network} against {proof.target_network}).",
            "Do not use them. Choose another source format with --from; if it is the right one, "
            "this is a defect of mrcl-bench.",
        )
    return proof


def refuse_broken(weights: Mapping[str, Tensor]) -> None:
    """Refuses weights that no trained or initialised network has.

    Positions and tokens may be constant: some networks start with zeros there.

    Raises:
        BenchError: A weight is not finite, a matrix or kernel is constant, or one is no number
            with a point but no counter.
    """
    for key, value in weights.items():
        last = key.split(".")[-1]
        if last == _COUNTER:
            continue
        if not value.is_floating_point():
            raise BenchError(
                f"'{key}' is of {str(value.dtype).removeprefix('torch.')}, no floating-point type.",
                "Quantised weights cannot be converted: get the unquantised ones.",
            )
        if not bool(value.isfinite().all()):
            raise BenchError(
                f"'{key}' holds NaN or infinite values.",
                "The run diverged, or the file is damaged: get another checkpoint.",
            )
        token = "token" in last or "pos_embed" in last
        if value.ndim > 1 and value.numel() > 1 and not token and _constant(value):
            raise BenchError(
                f"all of '{key}' is {value.flatten()[0].item():g}: these are no weights of a "
                "trained network.",
                "Get the file again, or another checkpoint.",
            )


def filled(
    dialect: Dialect, name: str, weights: Mapping[str, Tensor], architecture: Architecture
) -> nn.Module:
    """Builds a dialect's network with weights in it, strictly.

    Args:
        dialect: The dialect.
        name: Its name, for messages.
        weights: By its names; taken as float32, without copies of those that are.
        architecture: Read off them.

    Returns:
        The network in eval mode; of its state only counters of batch norms may be its own.

    Raises:
        BenchError: There is no such network, or a key is missing, left over or of another shape.
    """
    import torch

    module = dialect.network(architecture)
    state = module.state_dict()
    # compared here: mmpretrain's module resizes positions of another shape while it loads them
    refuse_faults(
        f"weights do not fit {_describe(name, module)}.",
        {
            "missing": [k for k in state if k not in weights and not k.endswith(_COUNTER)],
            "left over": [key for key in weights if key not in state],
            "of another shape": [
                f"{key} {tuple(value.shape)} into {tuple(state[key].shape)}"
                for key, value in weights.items()
                if key in state and value.shape != state[key].shape
            ],
        },
        _OTHER,
        SHOWN,
    )
    cast = {
        key: value.detach().to("cpu", torch.float32) if value.is_floating_point() else value
        for key, value in weights.items()
    }
    module.load_state_dict(cast, strict=False, assign=True)
    module.eval()  # mmpretrain's does not return the module
    return module


def _same_weights(
    source: Mapping[str, Tensor], back: Mapping[str, Tensor], target: Dialect
) -> None:
    """Refuses weights, by the common names, that are not the same bits.

    What a dialect names in ``CHANGES`` it keeps in function only, for which the features speak.
    """
    import torch

    allowed: tuple[str, ...] = getattr(target, "CHANGES", ())
    lost = [key for key in source if key not in back and not key.startswith(allowed)]
    gained = [key for key in back if key not in source]
    changed = [
        key
        for key in source.keys() & back.keys()
        if source[key] is not back[key]
        and not key.startswith(allowed)
        and not torch.equal(source[key], back[key])
    ]
    refuse_faults(
        "the converted weights are not the source's (by the common names).",
        {"lost": lost, "new": gained, "changed": sorted(changed)},
        "Do not use them: they were changed after the conversion.",
        SHOWN,
    )


def _second_opinion(
    source: str, target: str, common: Mapping[str, Tensor], architecture: Architecture
) -> tuple[str, nn.Module] | None:
    """Fills the first further library's network that there is."""
    from ._architecture import TRAITS, read_architecture
    from .dialects import dialects, torchvision

    # a target may have left something out
    traits = {trait: getattr(architecture, trait) for trait in TRAITS if trait != "img_size"}
    architecture = read_architecture(common, traits)
    for name in REFERENCES:
        if name in (source, target):
            continue
        dialect = dialects()[name]
        rename = torchvision.renamed if name == "torchvision" else dialect.from_common
        try:
            return name, filled(dialect, name, rename(common, architecture), architecture)
        except BenchError:
            continue
    return None


def _images(architecture: Architecture) -> Tensor:
    """Makes noise as normalised images have it: mean 0, deviation 1, the same in every run."""
    import torch

    side = architecture.img_size
    size = (side, side) if side else RESNET_SIZE
    return torch.randn(IMAGES, 3, *size, generator=torch.Generator().manual_seed(SEED))


def _compare(
    expected: Mapping[str, Tensor], found: Mapping[str, Tensor], prefix: str
) -> dict[str, float]:
    if expected.keys() != found.keys():
        raise BenchError(
            f"the networks give other features: {sorted(expected)} and {sorted(found)}.", _OTHER
        )
    differences = {}
    for name, value in expected.items():
        other = found[name]
        if value.shape != other.shape:
            raise BenchError(
                f"the networks' '{name}' are of other shapes: {tuple(value.shape)} and "
                f"{tuple(other.shape)}.",
                _OTHER,
            )
        differences[prefix + name] = float((value - other).abs().max() / value.abs().max())
    return differences


def _telling(features: Mapping[str, Tensor], network: str) -> None:
    """Refuses features that would be equal whatever the weights were."""
    for name, value in features.items():
        if not bool(value.isfinite().all()):
            fault = "not finite"
        elif _constant(value):
            fault = "constant"
        elif bool((value[0] == value[1]).all()):
            fault = "the same for every image"
        else:
            continue
        raise BenchError(
            f"the features '{name}' of {network} are {fault}, so that they prove nothing.",
            "Get other weights: these cannot be a trained network's. --no-verify converts them "
            "unproved.",
        )


def _constant(value: Tensor) -> bool:
    return bool((value == value.flatten()[0]).all())


def _describe(dialect: str, module: nn.Module) -> str:
    package = type(module).__module__.split(".")[0]
    made = "" if package == dialect else f" ({package})"
    return f"{dialect} {type(module).__name__}{made}"
