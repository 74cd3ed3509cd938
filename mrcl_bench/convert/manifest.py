"""The manifest beside converted weights: what they are, where they came from, how to feed them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..atomic import sha256_file, write_json
from ..errors import BenchError
from ._architecture import Architecture, read_architecture
from ._layout import Which

SCHEMA_VERSION = 1
WEIGHTS_NAME = "backbone.pth"
MANIFEST_NAME = "manifest.json"

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Normalisation(_Part):
    """How pixels become the backbone's input: ``(pixel - mean) / std`` per channel.

    Attributes:
        mean: Per channel, in units of ``value_range`` and the order of ``channel_order``.
        std: Per channel, likewise; positive.
        channel_order: Order of the channels that the backbone was trained on.
        value_range: Darkest and brightest pixel before normalisation.
    """

    mean: tuple[float, float, float]
    std: tuple[
        Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]
    ]
    channel_order: Literal["rgb", "bgr"]
    value_range: tuple[float, float] = (0.0, 255.0)


class Keys(_Part):
    """How many weights the conversion kept, and how many it dropped of each kind."""

    loaded: int = Field(gt=0)
    dropped: dict[str, int] = {}


class Manifest(_Part):
    """Describes a folder's ``backbone.pth``.

    Attributes:
        recipe: Recipe that trained the weights, or a name for foreign ones.
        algorithm: Key of the algorithm.
        source_format: Module of `mrcl_bench.convert` that read the raw file.
        source_sha256: Of the raw file.
        weights_sha256: Of the backbone's state dict, independent of the file around it.
        file_sha256: Of ``backbone.pth``.
        architecture: Read off the weights.
        pretrain: What the pretraining run says of itself (cost, data, environment …).
        created: Time of the conversion, UTC, ISO 8601.
    """

    schema_version: int = SCHEMA_VERSION
    recipe: str
    algorithm: str
    source_format: str
    source_sha256: Sha256
    weights_sha256: Sha256
    file_sha256: Sha256
    architecture: Architecture
    normalisation: Normalisation
    keys: Keys
    pretrain: dict[str, Any] = {}
    created: str


def convert_file(
    raw: Path,
    out_dir: Path,
    *,
    source: str,
    normalisation: Normalisation | Mapping[str, Any],
    recipe: str,
    algorithm: str,
    pretrain: Mapping[str, Any],
    which: Which = "online",
) -> Manifest:
    """Converts a raw weights file and writes ``backbone.pth``, then ``manifest.json``.

    Both writes are atomic, and equal input gives an equal ``backbone.pth``. Between the two
    writes an older manifest no longer fits, which `read_manifest` notices.

    Args:
        raw: The raw file.
        out_dir: Folder to write to.
        source: Source format.
        normalisation: How the backbone was fed.
        recipe: Recipe, or a name for foreign weights.
        algorithm: Key of the algorithm.
        pretrain: Free JSON values for the manifest.
        which: Which encoder to take where the run trained two.

    Returns:
        The manifest as written.

    Raises:
        BenchError: The file cannot be read or converted, holds NaN or infinite weights, or is
            itself the output; nothing is written then.
    """
    from ..checkpoint import load_state_dict, save_weights, shorten, state_dict_sha256
    from . import convert

    weights_path = out_dir / WEIGHTS_NAME
    if raw.resolve() == weights_path.resolve():
        raise BenchError(f"{raw} would be overwritten.", "Choose another output folder.")
    try:
        checked = Normalisation.model_validate(normalisation)
    except ValidationError as error:
        raise BenchError(f"the normalisation is not valid: {_first(error)}.") from None
    state_dict = load_state_dict(raw)
    conversion = convert(source, state_dict, which)
    weights = conversion.backbone
    broken = [key for key, value in weights.items() if not bool(value.isfinite().all())]
    if broken:
        raise BenchError(
            f"NaN or infinite weights in {raw}: {shorten(broken)}.",
            "The run diverged: pretrain again with a smaller learning rate.",
        )
    meta = {"recipe": recipe, "algorithm": algorithm, "source_format": source}
    save_weights(weights_path, weights, {**meta, "normalisation": checked.model_dump()})
    manifest = Manifest(
        recipe=recipe,
        algorithm=algorithm,
        source_format=source,
        source_sha256=sha256_file(raw),
        weights_sha256=state_dict_sha256(weights),
        file_sha256=sha256_file(weights_path),
        architecture=read_architecture(weights),
        normalisation=checked,
        keys=Keys(
            loaded=len(weights),
            dropped={kind: len(keys) for kind, keys in sorted(conversion.dropped.items())},
        ),
        pretrain=dict(pretrain),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    write_json(out_dir / MANIFEST_NAME, manifest.model_dump(mode="json"))
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """Reads a folder's manifest and checks that its weights are the ones described.

    Needs no torch.

    Args:
        folder: Folder of ``backbone.pth`` and ``manifest.json``.

    Returns:
        The manifest.

    Raises:
        BenchError: Manifest or weights are missing, the manifest is not valid or of a newer
            schema, or the weights' sha256 is another.
    """
    path, weights = folder / MANIFEST_NAME, folder / WEIGHTS_NAME
    again = f"Run the pretraining again, or: mrcl-bench convert RAW.pth --out {folder}"
    if not path.exists():
        raise BenchError(f"no converted weights in {folder} ({MANIFEST_NAME} is missing).", again)
    try:
        value: Any = json.loads(path.read_text())
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise BenchError(f"cannot read {path}: {error}.", again) from None
    version = value.get("schema_version") if isinstance(value, dict) else None
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise BenchError(
            f"{path} has schema {version}; this mrcl-bench reads up to {SCHEMA_VERSION}.",
            "Upgrade mrcl-bench.",
        )
    try:
        manifest = Manifest.model_validate(value)
    except ValidationError as error:
        raise BenchError(f"{path} is not a valid manifest: {_first(error)}.", again) from None
    if not weights.is_file():
        raise BenchError(f"{weights} is missing.", again)
    found = sha256_file(weights)
    if found != manifest.file_sha256:
        raise BenchError(
            f"{weights} was changed or truncated: its sha256 is {found[:12]}…, the manifest "
            f"says {manifest.file_sha256[:12]}….",
            again,
        )
    return manifest


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc'])) or 'top level'}: {first['msg']}"
