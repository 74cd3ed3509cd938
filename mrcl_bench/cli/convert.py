"""``mrcl-bench convert``: any backbone in, any library's format out, with a proof."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .weights import (
    ChannelsOption,
    Encoder,
    EncoderOption,
    HeadsOption,
    MeanOption,
    SourceOption,
    StdOption,
    VerifyOption,
    busy,
    given,
    summary,
)


def convert(
    weights: Annotated[
        Path, typer.Argument(help="Raw weights: .pth, .safetensors, .ckpt, .bin, .pkl.")
    ],
    out: Annotated[
        Path,
        typer.Option(
            help="Folder for backbone.pth and manifest.json; or a .safetensors or .pth file."
        ),
    ],
    to: Annotated[
        str,
        typer.Option(
            help="Names to write: mmpretrain, mmdet, mmseg, mmseg_stock, torchvision or timm."
        ),
    ] = "mmpretrain",
    source: SourceOption = None,
    name: Annotated[
        str,
        typer.Option(
            "--name", "--recipe", help="Name for the weights.", show_default="the output's"
        ),
    ] = "",
    algorithm: Annotated[str, typer.Option(help="Algorithm that trained them.")] = "unknown",
    encoder: EncoderOption = Encoder.online,
    heads: HeadsOption = None,
    mean: MeanOption = None,
    std: StdOption = None,
    channels: ChannelsOption = None,
    verify: VerifyOption = True,
) -> None:
    """Take the backbone out of a weights file, and write it with a manifest.

    The source format is found by the keys. Mean, std and channel order are taken from a
    config.json beside the weights, or from the habit of the format's publishers; where neither
    says them they are assumed, and a note says so: check it, since a wrong one costs accuracy
    without any error.
    """
    from ..convert._output import FORMATS
    from ..convert.file import convert_file

    told = given(mean, std, channels, heads)
    with busy(f"converting {weights.name}"):
        manifest = convert_file(
            weights,
            out,
            recipe=name or (out.stem if out.suffix in FORMATS else out.resolve().name),
            algorithm=algorithm,
            source=source,
            target=to,
            which=encoder.value,
            given=told,
            verify=verify,
        )
    typer.echo("\n".join(summary(manifest)))
    typer.echo(f"wrote         {out}")
