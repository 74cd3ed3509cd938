"""``mrcl-bench convert``: takes the backbone out of a weights file."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import EXIT_USAGE, BenchError

if TYPE_CHECKING:
    from ..convert.manifest import Manifest

IMAGENET_MEAN = "123.675,116.28,103.53"
IMAGENET_STD = "58.395,57.12,57.375"


class Channels(StrEnum):
    """Order of the channels that a backbone was trained on."""

    rgb = "rgb"
    bgr = "bgr"


class Encoder(StrEnum):
    """Which encoder leaves a run that trained two."""

    online = "online"
    momentum = "momentum"


def convert(
    weights: Annotated[Path, typer.Argument(help="Raw weights: .pth or .safetensors.")],
    out: Annotated[Path, typer.Option(help="Folder for backbone.pth and manifest.json.")],
    source: Annotated[
        str, typer.Option("--from", help="Source format: a module of mrcl_bench.convert.")
    ] = "mmpretrain",
    recipe: Annotated[
        str, typer.Option(help="Name for the weights.  [default: the output folder's]")
    ] = "",
    algorithm: Annotated[str, typer.Option(help="Algorithm that trained them.")] = "unknown",
    encoder: Annotated[
        Encoder, typer.Option(help="Encoder to take where two were trained.")
    ] = Encoder.online,
    mean: Annotated[
        str, typer.Option(help="Mean per channel, of pixels in 0 … 255.")
    ] = IMAGENET_MEAN,
    std: Annotated[str, typer.Option(help="Standard deviation per channel.")] = IMAGENET_STD,
    channels: Annotated[
        Channels, typer.Option(help="Channel order of training, mean and std.")
    ] = Channels.rgb,
) -> None:
    """Take the backbone out of a weights file, and write it with a manifest.

    Mean, std and channel order are those of the pretraining; check them, since
    a wrong one costs accuracy without any error.
    """
    from ..convert.manifest import convert_file

    manifest = convert_file(
        weights,
        out,
        source=source,
        normalisation={
            "mean": _three("--mean", mean),
            "std": _three("--std", std),
            "channel_order": channels.value,
        },
        recipe=recipe or out.resolve().name,
        algorithm=algorithm,
        pretrain={},
        which=encoder.value,
    )
    typer.echo("\n".join(summary(manifest)))
    typer.echo(f"wrote         {out}")


def summary(manifest: Manifest) -> list[str]:
    """Describes a conversion in lines of at most 80 columns."""
    architecture, normalisation = manifest.architecture, manifest.normalisation
    size = f", made for {architecture.img_size} px" if architecture.img_size else ""
    dropped = [f"{kind} {count}" for kind, count in manifest.keys.dropped.items()]
    rows = {
        "weights": manifest.weights_sha256,
        "source": manifest.source_sha256,
        "architecture": architecture.label + size,
        "keys used": str(manifest.keys.loaded),
        "dropped": ", ".join(dropped) or "none",
        "input": f"{normalisation.channel_order} "
        f"({normalisation.value_range[0]:g} … {normalisation.value_range[1]:g})",
        "mean": ", ".join(f"{value:g}" for value in normalisation.mean),
        "std": ", ".join(f"{value:g}" for value in normalisation.std),
    }
    return [f"{name:<13} {value}"[:80] for name, value in rows.items()]


def _three(option: str, text: str) -> list[float]:
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) != 3:
        raise BenchError(
            f"{option} '{text}' is not three numbers.",
            f"Write them with commas, e.g. {option} {IMAGENET_MEAN}",
            EXIT_USAGE,
        )
    return values
