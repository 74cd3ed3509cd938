"""The record of one run: schema, atomic write, validated read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .atomic import write_json
from .errors import BenchError
from .normalisation import Normalisation
from .profiles import Profile
from .spec import Role, Task

SCHEMA_VERSION = 1


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class RecipeRef(_Part):
    """The recipe; ``config_sha256`` is of the resolved config without paths and weights."""

    name: str
    algorithm: str
    display: str
    backbone: str
    role: Role
    config_sha256: str

    @property
    def partway(self) -> bool:
        """Whether this is a checkpoint from the course of a run (``<recipe>@<moment>``)."""
        return "@" in self.name


class ProtocolRef(_Part):
    """The protocol; ``config_sha256`` is of the resolved config without paths and weights."""

    name: str
    task: Task
    family: str
    display: str
    main_metric: str
    config_sha256: str


class CheckpointRef(_Part):
    """sha256 of the converted weights, and of the raw weights that they came from."""

    sha256: str
    source_sha256: str


class LoadReport(_Part):
    """What loading the weights into the downstream backbone did.

    Attributes:
        loaded: Number of tensors copied.
        resized: Keys whose position embedding was resampled to the job's grid.
        missing: Keys of the network without weights (a finished job has only those that its
            protocol declares as new, such as relative positions).
        unexpected: Weights without a backbone key (a finished job has only those that its protocol
            explicitly leaves out).
    """

    loaded: int
    resized: list[str] = []
    missing: list[str] = []
    unexpected: list[str] = []


class DataRef(_Part):
    """What was read.

    Attributes:
        id: Data set id.
        sha256: Of its files.
        shapes_fallback: Whether drawn shapes stood in for photographs.
        broken_images: How many broken images the user allowed to leave out, each once.
    """

    id: str
    sha256: str
    shapes_fallback: bool = False
    broken_images: int = Field(default=0, ge=0)


class Batch(_Part):
    """Pictures per step of the optimiser.

    Attributes:
        named: What the config's name says (``8xb512`` is 4,096), None where it says nothing.
        total: What it was.
        processes: Over how many processes (GPUs).
        accumulated: Over how many passes one after the other.
    """

    named: int | None
    total: int
    processes: int
    accumulated: int = 1


class Cost(_Part):
    """What was spent.

    Attributes:
        images_seen: Training images processed (an image with two views counts once).
        seconds: Wall-clock seconds.
        peak_memory_mib: Peak resident memory on CPU, peak allocated on GPU, in MiB.
        epochs: Passes over the training set.
        encoder_gflops: Encoder's forward GFLOPs (multiply-add = 2) of one image at training size.
        batch: Batch size; None in older records, and where nothing is trained by steps.
        switches: What of `mrcl_bench.switches` it was trained with.
    """

    images_seen: int
    seconds: float
    peak_memory_mib: float
    epochs: float | None = None
    encoder_gflops: float | None = None
    batch: Batch | None = None
    switches: tuple[str, ...] = ()


class Course(_Part):
    """Where in its run a checkpoint was kept, and how well it did its pretext task then.

    Attributes:
        of: The recipe.
        count: Steps (epochs) so far.
        total: Steps (epochs) of the whole run; of its last checkpoint ``count`` is the same.
        unit: ``iter`` or ``epoch``.
        contrastive_accuracy: How often the positive of an image was the nearest of all
            candidates; None where nothing is contrasted.
        candidates: Among how many it was sought: other algorithms take other numbers.
        reconstruction_error: Mean squared error of what was hidden, in units of its target (per
            patch normalised pixels, as a rule); None where nothing is reconstructed.
        images: How many images it was measured on.
        seen: Whether they were trained on.
    """

    of: str
    count: int
    total: int
    unit: Literal["iter", "epoch"]
    contrastive_accuracy: float | None = None
    candidates: int | None = None
    reconstruction_error: float | None = None
    images: int = 0
    seen: bool = True


class Environment(_Part):
    """Where it ran, and by which code.

    Attributes:
        code_sha256: Of the source that the result depends on, see `mrcl_bench.own_code`; None in
            older records.
    """

    git_commit: str | None
    git_dirty: bool | None
    python: str
    packages: dict[str, str]
    device: str
    threads: int
    code_sha256: str | None = None


class Failure(_Part):
    """Why a run failed: a class that tables show, and one line for the user."""

    kind: Literal["diverged", "memory", "disk", "load", "interrupted", "error"]
    message: str


class Record(_Part):
    """One run. Metrics are native keys at full precision, fractions in 0 … 1.

    Attributes:
        rehearsal: What was reduced, where this is only a rehearsal: its numbers mean nothing.
        metrics: ``split/metric`` to value, e.g. ``val/accuracy``.
        checkpoint: The weights; ``None`` only where pretraining itself failed.
        normalisation: How the backbone was fed; ``None`` in records from before it was kept.
        pretrain_cost: ``None`` where it is not known: weights from elsewhere.
        course: Of recipes that keep checkpoints over their course; ``None`` of all others.
        choices: Hyper-parameters that were chosen on a held-out part of *train*.
        flags: Remarks that tables print, e.g. ``"no predictions"``.
        resumed: Steps at which interrupted training was gone on from otherwise than to the bit;
            none in older records, whose jobs began anew.
        artifacts: Side files by name, relative to the record's folder.
        command: What to type to run it again.
    """

    schema_version: int = SCHEMA_VERSION
    status: Literal["completed", "failed"]
    failure: Failure | None = None
    rehearsal: dict[str, str] | None = None
    profile: Profile
    recipe: RecipeRef
    protocol: ProtocolRef
    seed: int = Field(ge=0)
    metrics: dict[str, float] = {}
    choices: dict[str, float | int | str] = {}
    flags: list[str] = []
    resumed: list[int] = []
    checkpoint: CheckpointRef | None = None
    load_report: LoadReport | None = None
    normalisation: Normalisation | None = None
    data: DataRef
    cost: Cost
    pretrain_cost: Cost | None = None
    course: Course | None = None
    environment: Environment
    artifacts: dict[str, str] = {}
    started: str
    finished: str
    command: str


def write_record(path: Path, record: Record) -> None:
    """Writes a record atomically; a reader never sees half of it."""
    write_json(path, record.model_dump(mode="json"))


def read_record(path: Path) -> Record:
    """Reads and validates a record.

    Raises:
        BenchError: The file is unreadable, not JSON, of a newer schema, or
            breaks the schema; the message names the file and the field.
    """
    try:
        raw = path.read_bytes()
        # Straight from bytes, twice as fast; whatever it refuses is looked at again below.
        record = Record.model_validate_json(raw)
        if record.schema_version <= SCHEMA_VERSION:
            return record
    except (OSError, ValidationError):
        pass
    return _read_slowly(path)


def _read_slowly(path: Path) -> Record:
    """Reads a record with a message for whatever is wrong with it."""
    try:
        value: Any = json.loads(path.read_text())
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise BenchError(
            f"cannot read record {path}: {error}.", "Delete it and run the job again."
        ) from None
    if not isinstance(value, dict):
        raise BenchError(f"{path} is not a record (a JSON object).", "Delete it or move it away.")
    version = value.get("schema_version")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise BenchError(
            f"{path} has schema {version}; this mrcl-bench reads up to {SCHEMA_VERSION}.",
            "Upgrade mrcl-bench.",
        )
    try:
        return Record.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "top level"
        raise BenchError(
            f"{path} is not a valid record: {where}: {first['msg']}.",
            "Delete it and run the job again.",
        ) from None


def find_records(folder: Path) -> Iterator[Path]:
    """Yields the record files below a folder, sorted by path."""
    found = [
        os.path.join(where, name)  # noqa: PTH118 - paths are slow to make and to compare
        for where, _, names in os.walk(folder)
        for name in names
        if name.startswith("seed") and name.endswith(".json")
    ]
    yield from map(Path, sorted(found, key=lambda path: path.split(os.sep)))  # noqa: PTH206 - text
