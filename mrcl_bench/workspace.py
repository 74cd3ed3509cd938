"""Where everything lies, relative to one root folder.

The root is the current directory unless ``MRCL_BENCH_ROOT`` names another.
``MRCL_BENCH_DATA`` moves the data folder alone (big data sets rarely live
beside the code).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Workspace:
    """Paths of one working folder; nothing is created on construction."""

    root: Path

    @classmethod
    def current(cls) -> Workspace:
        """Returns the workspace named by the environment, or the current directory."""
        return cls(Path(os.environ.get("MRCL_BENCH_ROOT", ".")).resolve())

    @property
    def data(self) -> Path:
        """Data sets, one folder each (``stamps/``, ``imagenet/``, ``coco/`` …)."""
        return Path(os.environ.get("MRCL_BENCH_DATA", self.root / "data")).resolve()

    @property
    def results(self) -> Path:
        """Records, tables and run folders."""
        return self.root / "results"

    @property
    def runs(self) -> Path:
        """Work folders and logs of pretraining and jobs."""
        return self.results / "runs"

    @property
    def rehearsals(self) -> Path:
        """Records of rehearsals, which no table reads: ``<profile>/<recipe>/<protocol>/``."""
        return self.results / "rehearsals"

    @property
    def configs(self) -> Path:
        """Resolved configs by hash, see `mrcl_bench.kept_configs`."""
        return self.results / "configs"

    @property
    def checked(self) -> Path:
        """Notes of data sets whose labels passed, see `mrcl_bench.data.check.preflight`."""
        return self.runs / "checked"

    def checkpoint_dir(self, profile: str, recipe: str) -> Path:
        """Folder of a recipe's ``raw.pth``, ``backbone.pth`` and ``manifest.json``."""
        return self.root / "checkpoints" / profile / recipe

    def pretrain_run(self, profile: str, recipe: str) -> Path:
        """Folder that a pretraining works in."""
        return self.runs / "pretrain" / profile / recipe

    def records(self, profile: str) -> Path:
        """Folder of a profile's records."""
        return self.results / "records" / profile

    def record_path(self, profile: str, recipe: str, protocol: str, seed: int) -> Path:
        """The record of one run; the path is its identity."""
        return self.records(profile) / recipe / protocol / f"seed{seed}.json"

    def tables(self, profile: str) -> Path:
        """Folder of a profile's generated tables."""
        return self.results / "tables" / profile
