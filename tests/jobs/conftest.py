"""Contexts for adapters: synthetic features, or a micro checkpoint in a workspace."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mrcl_bench.catalog import Catalog
from mrcl_bench.engine.request import Request
from mrcl_bench.record import LoadReport, Record, read_record
from mrcl_bench.spec import Job
from mrcl_bench.workspace import Workspace

pytest.importorskip("mmpretrain")

from mmengine.config import ConfigDict  # noqa: E402

from mrcl_bench.jobs.features import Features  # noqa: E402

RANDOM = "random_vit-128x4_0e_micro"


def clusters(
    count: int, classes: int = 4, width: int = 16, noise: float = 1.0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Draws balanced Gaussian clusters; the centres do not depend on the seed."""
    centres = 2.0 * np.random.default_rng(99).normal(size=(classes, width))
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(count) % classes)
    x = centres[y] + noise * rng.normal(size=(count, width))
    return x.astype(np.float32), y.astype(np.int64)


def features(train: Any, **splits: Any) -> Features:
    """Wraps (x, y) pairs as what `extract` returns."""
    pairs = {"train": train, **splits}
    return Features(
        x={name: x for name, (x, _) in pairs.items()},
        y={name: y for name, (_, y) in pairs.items()},
        images=sum(len(y) for _, y in pairs.values()),
        load_report=LoadReport(loaded=1),
    )


def context(seed: int = 0, **blocks: dict[str, Any]) -> Any:
    """A context that holds just what an adapter on features reads."""
    job = SimpleNamespace(seed=seed)
    return SimpleNamespace(config=ConfigDict(blocks), job=job, work_dir=Path("/no/such/folder"))


class Bench:
    """Runs micro jobs of an untrained checkpoint in this process."""

    def __init__(self, workspace: Workspace, catalog: Catalog) -> None:
        self.workspace = workspace
        self.catalog = catalog
        self.recipe = catalog.recipe(RANDOM)

    @property
    def folder(self) -> Path:
        """The checkpoint's folder."""
        return self.workspace.checkpoint_dir("micro", RANDOM)

    def request(self, *protocols: str, seeds: tuple[int, ...] = (0,)) -> Request:
        """An evaluation request."""
        jobs = tuple(
            Job(profile="micro", recipe=self.recipe, protocol=protocol, seed=seed)
            for protocol in self.catalog.select_protocols("micro", list(protocols))
            for seed in seeds
        )
        return Request(
            kind="evaluate",
            profile="micro",
            recipe=self.recipe,
            jobs=jobs,
            root=self.workspace.root,
        )

    def run(self, *protocols: str, seeds: tuple[int, ...] = (0,)) -> list[Record]:
        """Runs jobs and reads their records."""
        from mrcl_bench.jobs.evaluate import run_evaluation

        request = self.request(*protocols, seeds=seeds)
        ok = run_evaluation(request)
        records = [
            read_record(self.workspace.record_path("micro", RANDOM, job.protocol.name, job.seed))
            for job in request.jobs
        ]
        assert ok == all(record.status == "completed" for record in records)
        return records

    def arrays(self, record: Record) -> dict[str, np.ndarray]:
        """The per-sample results of a record."""
        path = self.workspace.record_path("micro", RANDOM, record.protocol.name, record.seed)
        with np.load(path.with_name(record.artifacts["per_sample"])) as stored:
            return dict(stored)

    def change_weights(self, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Rewrites the checkpoint's weights, manifest and all."""
        from mrcl_bench.atomic import sha256_file, write_json
        from mrcl_bench.checkpoint import load_state_dict, save_weights, state_dict_sha256
        from mrcl_bench.convert.manifest import read_manifest

        path = self.folder / "backbone.pth"
        manifest = read_manifest(self.folder).model_dump(mode="json")
        weights = change(load_state_dict(path))
        save_weights(path, weights, {})
        manifest["weights_sha256"] = state_dict_sha256(weights)
        manifest["file_sha256"] = sha256_file(path)
        write_json(self.folder / "manifest.json", manifest)


@pytest.fixture
def bench(micro_workspace: Workspace, micro_catalog: Catalog, untrained: Path) -> Bench:
    """A workspace with a copy of the untrained micro checkpoint."""
    made = Bench(micro_workspace, micro_catalog)
    shutil.copytree(untrained, made.folder)
    return made


@pytest.fixture
def apart(bench: Bench, untrained: Path, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A second workspace with the same checkpoint."""
    made = Bench(Workspace(tmp_path_factory.mktemp("apart")), bench.catalog)
    shutil.copytree(untrained, made.folder)
    return made
