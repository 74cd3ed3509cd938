"""Entry point: registers the commands, catches users' mistakes once."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from .. import __version__
from ..errors import EXIT_FAILED, EXIT_RESUMABLE, BenchError
from . import (
    cancel,
    compare,
    convert,
    data,
    doctor,
    evaluate,
    explain,
    logs,
    ls,
    pretrain,
    rehearse,
    report,
    run,
    status,
    verify,
)

_TRAINING_STACK = (
    "torch",
    "torchvision",
    "mmengine",
    "mmcv",
    "mmpretrain",
    "mmdet",
    "mmseg",
    "cv2",
    "timm",
    "safetensors",
)

app = typer.Typer(
    name="mrcl-bench",
    help="Is this pretraining really better? From raw images to a comparison table.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"mrcl-bench {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Is this pretraining really better? From raw images to a comparison table."""


app.command()(doctor.doctor)
app.add_typer(data.app, name="data", help="Make, fetch and verify data sets.")
app.command()(pretrain.pretrain)
app.command()(convert.convert)
app.command(name="eval")(evaluate.evaluate)
app.command()(run.run)
app.command()(run.plan)
app.command()(rehearse.rehearse)
app.command()(status.status)
app.command()(logs.logs)
app.command()(cancel.cancel)
app.command()(ls.ls)
app.command()(verify.verify)
app.command()(compare.compare)
app.command()(report.report)
app.command()(explain.explain)
app.command()(explain.diff)


def main() -> None:
    """Runs the command line; a `BenchError` becomes one message and an exit code."""
    try:
        app()
    except BenchError as error:
        typer.echo(f"error: {error.what}", err=True)
        if error.cure:
            typer.echo(f"  cure: {error.cure}", err=True)
        sys.exit(error.exit_code)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in _TRAINING_STACK:
            raise
        typer.echo(f"error: this command needs {error.name}, which is not installed.", err=True)
        typer.echo("  cure: pip install 'mrcl-bench[mm]', or make setup", err=True)
        sys.exit(EXIT_FAILED)
    except KeyboardInterrupt:
        typer.echo("interrupted; the same command goes on from here.", err=True)
        sys.exit(EXIT_RESUMABLE)
    except BrokenPipeError:
        sys.stderr.close()  # the reader has seen enough
        sys.exit(0)


if __name__ == "__main__":
    main()
