"""What to ask Slurm for, from one small file: ``cluster.toml``."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ..errors import EXIT_USAGE, BenchError, unknown_name

StageName = Literal["pretrain", "train", "probe"]
"""Pretrainings; jobs that train (a head or all of it); batches of probes on frozen features."""
STAGES: tuple[StageName, ...] = get_args(StageName)
FILE = "cluster.toml"
_TIME = re.compile(r"\d+(:\d+){0,2}|\d+-\d+(:\d+){0,2}")
_MEMORY = re.compile(r"\d+[KMGT]?")
_OURS = {
    "array", "dependency", "error", "job-name", "kill-on-invalid-dep", "open-mode", "output",
    "requeue", "signal",
}  # fmt: skip


class Ask(BaseModel):
    """What one node of one kind of job needs; unset is the cluster's default.

    Attributes:
        time: Limit in Slurm's notation: minutes, ``12:00:00``, ``1-00:00:00``.
        gpus: GPUs per node. Unset: as many as ``--gpus``, and none without it.
        cpus: Cores per node.
        memory: Per node: ``64G``.
        at_once: Most tasks of one array that run at the same time.
        options: Further options of sbatch by their long names: ``{reservation = "night"}``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    time: str | int | None = None
    gpus: Annotated[int, Field(ge=0)] | None = None
    cpus: Annotated[int, Field(ge=1)] | None = None
    memory: str | None = None
    at_once: Annotated[int, Field(ge=1)] | None = None
    options: dict[str, str | int | bool] = {}

    @field_validator("time")
    @classmethod
    def _is_a_time(cls, value: str | int | None) -> str | int | None:
        if isinstance(value, str) and not _TIME.fullmatch(value):
            raise ValueError("a time is minutes, hours:minutes:seconds or days-hours:minutes:…")
        return value

    @field_validator("memory")
    @classmethod
    def _is_a_size(cls, value: str | None) -> str | None:
        if value is not None and not _MEMORY.fullmatch(value):
            raise ValueError('memory is a number with K, M, G or T, for example "64G"')
        return value

    @field_validator("options")
    @classmethod
    def _is_not_ours(cls, value: dict[str, str | int | bool]) -> dict[str, str | int | bool]:
        if taken := sorted(_OURS & {name.replace("_", "-") for name in value}):
            raise ValueError(f"{', '.join(taken)}: set by mrcl-bench itself")
        return value


class Cluster(Ask):
    """The whole file: what holds for every stage, and what differs in one.

    Attributes:
        setup: Lines of shell before the work, on the node: ``module load cuda/12.8``.
        requeues: How often a job may go back into the queue: its time limit came, or Slurm
            preempted it.
        warning: Seconds before the time limit at which a job is told to save and to go back.
        max_array: Most tasks of one array; Slurm's ``MaxArraySize`` less one.
        pretrain: Of pretrainings.
        train: Of jobs that train.
        probe: Of batches of probes.
    """

    setup: tuple[str, ...] = ()
    requeues: int = Field(default=20, ge=0)
    warning: int = Field(default=120, ge=1)
    max_array: int = Field(default=1000, ge=1)
    pretrain: Ask = Ask()
    train: Ask = Ask()
    probe: Ask = Ask()

    @field_validator("setup", mode="before")
    @classmethod
    def _as_tuple(cls, value: Any) -> Any:  # TOML has lists
        return tuple(value) if isinstance(value, list) else value

    def ask(self, stage: StageName) -> Ask:
        """What a stage asks for: its own table over what holds for all."""
        common = {name: getattr(self, name) for name in Ask.model_fields}
        own: Ask = getattr(self, stage)
        changed = {name: getattr(own, name) for name in own.model_fields_set}
        options = {**self.options, **own.options}
        return Ask.model_validate({**common, **changed, "options": options})


def read_cluster(path: Path | None, root: Path) -> Cluster:
    """Reads the file; without one, everything is the cluster's default.

    Args:
        path: The file, or None for ``cluster.toml`` in the workspace, if it is there.
        root: The workspace's root.

    Raises:
        BenchError: It is not there, not TOML, or says something that nothing here reads.
    """
    if path is None:
        path = root / FILE
        if not path.exists():
            return Cluster()
    try:
        value = tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:  # TOMLDecodeError and UnicodeDecodeError are ValueErrors
        raise BenchError(f"cannot read {path}: {error}.", _cure(), EXIT_USAGE) from None
    _check_names(path, "key", value, Cluster)
    for stage in STAGES:
        if isinstance(value.get(stage), dict):
            _check_names(path, f"key of [{stage}]", value[stage], Ask)
    try:
        return Cluster.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BenchError(f"{path}: {where}: {first['msg']}.", _cure(), EXIT_USAGE) from None


def _check_names(path: Path, kind: str, value: dict[str, Any], model: type[BaseModel]) -> None:
    for name in value:
        if name not in model.model_fields:
            raise unknown_name(f"{kind} in {path}", name, model.model_fields)


def _cure() -> str:
    return "docs/cluster.md shows a whole file."
