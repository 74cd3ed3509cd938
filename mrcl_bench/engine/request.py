"""What a worker is asked to do, handed over as a JSON file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from ..profiles import Profile
from ..rehearsal.reduce import Rehearsal
from ..spec import Job, Recipe


class Request(BaseModel):
    """One worker's task: pretrain a recipe, or run its checkpoint through a protocol.

    Attributes:
        kind: ``pretrain`` or ``evaluate``.
        jobs: Jobs to run in this process, all of the same recipe.
        seed: Seed of pretraining.
        root: The workspace's root.
        threads: CPU threads that this worker may use.
        launcher: mmengine launcher: ``none``, ``pytorch`` or ``slurm``.
        keep_batch: Whether the total batch is the one that the config's name says.
        switches: Faster arithmetic to train with; see `mrcl_bench.switches`.
        rehearsal: If given, everything is made that small and nothing counts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["pretrain", "evaluate"]
    profile: Profile
    recipe: Recipe
    jobs: tuple[Job, ...] = ()
    seed: int = 0
    root: Path
    threads: int = 1
    launcher: Literal["none", "pytorch", "slurm"] = "none"
    keep_batch: bool = True
    switches: tuple[str, ...] = ()
    rehearsal: Rehearsal | None = None

    @property
    def title(self) -> str:
        """A short name for progress lines and logs."""
        if self.rehearsal is not None:
            return self.jobs[0].protocol.name if self.jobs else self.recipe.name
        if self.kind == "pretrain":
            return f"pretrain {self.recipe.display}"
        families = list(dict.fromkeys(job.protocol.family for job in self.jobs))
        seeds = sorted({job.seed for job in self.jobs})
        which = f"seed {seeds[0]}" if len(seeds) == 1 else f"{len(seeds)} seeds"
        return f"{self.recipe.display}: {', '.join(families)}, {which}"
