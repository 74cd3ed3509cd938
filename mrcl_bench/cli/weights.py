"""Options and lines that ``convert`` and ``eval --weights`` share."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from ..errors import EXIT_USAGE, BenchError

if TYPE_CHECKING:
    from ..convert.file import Given
    from ..convert.manifest import Manifest


class Channels(StrEnum):
    """Order of the channels that a backbone was trained on."""

    rgb = "rgb"
    bgr = "bgr"


class Encoder(StrEnum):
    """Which encoder leaves a run that trained two."""

    online = "online"
    momentum = "momentum"


SourceOption = Annotated[
    Optional[str],  # noqa: UP045 - typer reads this at run time
    typer.Option("--from", help="Source format.", show_default="found by the keys"),
]
EncoderOption = Annotated[Encoder, typer.Option(help="Encoder to take where two were trained.")]
HeadsOption = Annotated[
    Optional[int],  # noqa: UP045
    typer.Option("--heads", min=1, help="Attention heads of a ViT.", show_default="by the width"),
]
MeanOption = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        help="Mean per channel, of pixels in 0 … 255.", show_default="as the publisher feeds"
    ),
]
StdOption = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(help="Standard deviation per channel.", show_default="as the publisher feeds"),
]
ChannelsOption = Annotated[
    Optional[Channels],  # noqa: UP045
    typer.Option(
        help="Channel order of training, mean and std.", show_default="as the publisher feeds"
    ),
]
VerifyOption = Annotated[
    bool,
    typer.Option(
        "--verify/--no-verify", help="Prove that source and result are the same function."
    ),
]


def given(mean: str | None, std: str | None, channels: Channels | None, heads: int | None) -> Given:
    """What the options say of the weights.

    Raises:
        BenchError: ``--mean`` or ``--std`` is not three numbers, or of pixels in 0 … 1.
    """
    from ..convert.file import Given

    normalisation: dict[str, Any] = {}
    if mean is not None:
        normalisation["mean"] = _three("--mean", mean)
    if std is not None:
        normalisation["std"] = _three("--std", std)
        if min(normalisation["std"]) <= 0:
            raise BenchError(
                f"--std {std} is not positive.", "Give three positive numbers.", EXIT_USAGE
            )
    if channels is not None:
        normalisation["channel_order"] = channels.value
    _refuse_fractions(normalisation)
    return Given(normalisation or None, heads)


def busy(what: str) -> AbstractContextManager[object]:
    """Shows on the terminal, beside the output, that something takes its time."""
    from rich.console import Console

    return Console(stderr=True).status(what)


def summary(manifest: Manifest) -> list[str]:
    """Describes a conversion: facts in lines of at most 80 columns, then notes as sentences."""
    architecture, normalisation = manifest.architecture, manifest.normalisation
    size = f", made for {architecture.img_size} px" if architecture.img_size else ""
    dropped = [f"{kind} {count}" for kind, count in manifest.keys.dropped.items()]
    found = "as told" if "from" in manifest.asked else "found by the keys"
    low, high = normalisation.value_range
    rows = {
        "weights": manifest.weights_sha256,
        "source": manifest.source_sha256,
        "format": f"{manifest.source_format} ({found}), written as {manifest.target}",
        "architecture": architecture.label + size,
        "keys used": str(manifest.keys.loaded),
        "dropped": ", ".join(dropped) or "none",
        "missing": _missing(manifest),
        "input": f"{normalisation.channel_order} ({low:g} … {high:g})",
        "mean": ", ".join(f"{value:g}" for value in normalisation.mean),
        "std": ", ".join(f"{value:g}" for value in normalisation.std),
        "proof": _proof(manifest),
    }
    lines = [f"{name:<13} {value}"[:80] for name, value in rows.items()]
    if manifest.backbone_config is not None:
        lines.append(f"{'config':<13} backbone={_literal(manifest.backbone_config)}")
    if manifest.proof is not None:
        lines.append(
            f"{'networks':<13} {manifest.proof.source_network} against "
            f"{manifest.proof.target_network}"
        )
    return lines + [f"{'note':<13} {note}" for note in manifest.notes]


def _proof(manifest: Manifest) -> str:
    proof = manifest.proof
    if proof is None:
        return "none was asked for"
    return f"features differ by {proof.largest_relative:.1e} at most, over {proof.images} images"


def _missing(manifest: Manifest) -> str:
    count = len(manifest.keys.missing)
    return f"{count} counters of batch norms, which no feature depends on" if count else "none"


def _literal(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"dict({', '.join(f'{key}={_literal(item)}' for key, item in value.items())})"
    return repr(value)


def _three(option: str, text: str) -> list[float]:
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) != 3:
        raise BenchError(
            f"{option} '{text}' is not three numbers.",
            f"Write them with commas, e.g. {option} 123.675,116.28,103.53",
            EXIT_USAGE,
        )
    return values


def _refuse_fractions(normalisation: Mapping[str, Any]) -> None:
    """Statistics of pixels in 0 … 1, as most papers print them, would be off by 255."""
    std, mean = normalisation.get("std"), normalisation.get("mean")
    small_std = std is not None and max(std) < 1
    small_mean = mean is not None and 0 < max(mean) <= 1 and (std is None or max(std) < 1)
    if not small_std and not small_mean:
        return
    told = " ".join(
        f"--{name} {','.join(f'{value * 255:g}' for value in values)}"
        for name, values in (("mean", mean), ("std", std))
        if values is not None
    )
    raise BenchError(
        "mean and std seem to be of pixels in 0 … 1; they are expected for 0 … 255.",
        f"Write: {told}",
        EXIT_USAGE,
    )
