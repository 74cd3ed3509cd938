"""What every adapter gets, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from typing import Protocol as Interface

from ..record import Cost, LoadReport
from ..spec import Job
from ..workspace import Workspace


@dataclass(frozen=True)
class Context:
    """Input of an adapter.

    Attributes:
        job: Recipe, protocol and seed.
        workspace: Where everything lies.
        config: The protocol's resolved config, paths relocated; an adapter may change it.
        weights: Backbone weights, native mmpretrain key names.
        weights_sha256: Their content hash.
        data_sha256: Hash of the data set.
        work_dir: Folder for logs and side files of this job.
        protocol_sha256: Hash of the resolved config.
        keep_batch: Whether training keeps the total batch that the protocol's name says.
        allow_broken_images: Whether broken images are left out.
        switches: Faster arithmetic to train with; see `mrcl_bench.switches`.
        resumes: Whether training saves checkpoints and goes on from them; a rehearsal does not.
    """

    job: Job
    workspace: Workspace
    config: Any
    weights: dict[str, Any]
    weights_sha256: str
    data_sha256: str
    work_dir: Path
    protocol_sha256: str
    keep_batch: bool = False
    allow_broken_images: bool = False
    switches: tuple[str, ...] = ()
    resumes: bool = True


@dataclass
class Outcome:
    """Output of an adapter: metrics at full precision, fractions in 0 … 1.

    Attributes:
        metrics: ``split/metric`` to value.
        cost: What was spent on this job alone.
        load_report: What loading the backbone did.
        choices: Hyper-parameters chosen on a held-out part of train.
        flags: Remarks for tables.
        arrays: Per-sample results, saved beside the record.
        resumed: As of `mrcl_bench.record.Record`.
    """

    metrics: dict[str, float]
    cost: Cost
    load_report: LoadReport
    choices: dict[str, float | int | str] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)
    arrays: dict[str, Any] = field(default_factory=dict)
    resumed: list[int] = field(default_factory=list)


class Adapter(Interface):
    """A module of this package with one function ``run``."""

    def run(self, context: Context) -> Outcome:
        """Runs one job."""
        ...
