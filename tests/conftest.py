"""What the tests of the harness share: a micro data set, workspaces, toy configs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mrcl_bench.catalog import Catalog
from mrcl_bench.convert.manifest import Manifest
from mrcl_bench.workspace import Workspace

from .toy import Toy

os.environ["MRCL_BENCH_TRUST_CONFIG"] = "1"
"""Configs below tests/ are our own; `tests/test_trust.py` takes this away."""
ROOT = Path(__file__).parents[1]
MICRO_CONFIGS = Path(__file__).parent / "mm_configs"


@pytest.fixture(scope="session")
def micro_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root that holds ``stamps-micro``, made of drawn shapes; tests only read it."""
    from mrcl_bench.data.auto import make

    root = tmp_path_factory.mktemp("micro-data")
    make(root / "stamps-micro", source="shapes", micro=True)
    return root


@pytest.fixture
def micro_workspace(micro_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """An empty workspace that sees the micro data."""
    monkeypatch.setenv("MRCL_BENCH_ROOT", str(tmp_path))
    monkeypatch.setenv("MRCL_BENCH_DATA", str(micro_root))
    return Workspace.current()


@pytest.fixture(scope="session")
def micro_catalog() -> Catalog:
    """The micro recipes and protocols."""
    return Catalog(MICRO_CONFIGS)


@pytest.fixture(scope="session")
def untrained(micro_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint folder of the micro recipe that trains nothing; tests copy it."""
    from mrcl_bench.engine.request import Request
    from mrcl_bench.pretrain import run_pretraining

    root = tmp_path_factory.mktemp("untrained")
    recipe = Catalog(MICRO_CONFIGS).recipe("random_vit-128x4_0e_micro")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MRCL_BENCH_DATA", str(micro_root))
        run_pretraining(Request(kind="pretrain", profile="micro", recipe=recipe, root=root))
    return Workspace(root).checkpoint_dir("micro", recipe.name)


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    """Two recipes, two protocols and a data set of one file, in a workspace of their own."""
    monkeypatch.delenv("MRCL_BENCH_DATA", raising=False)
    return Toy(tmp_path)


def command_environment(root: Path, data: Path, **more: str) -> dict[str, str]:
    """Of a command in a process of its own, in a workspace, with configs from elsewhere trusted."""
    left_out = ("MRCL_BENCH", "SLURM")
    kept = {
        k: v for k, v in os.environ.items() if k != "PROFILE" and not any(n in k for n in left_out)
    }
    return {
        **kept,
        "MRCL_BENCH_TRUST_CONFIG": "1",
        "MRCL_BENCH_ROOT": str(root),
        "MRCL_BENCH_DATA": str(data),
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "CUDA_VISIBLE_DEVICES": "",
        "COLUMNS": "200",
        **more,
    }


Cli = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """Runs ``mrcl-bench`` in a process of its own, in an empty workspace."""

    def run(*arguments: str, **environment: Any) -> subprocess.CompletedProcess[str]:
        kept = {k: v for k, v in os.environ.items() if k != "PROFILE" and "MRCL_BENCH" not in k}
        return subprocess.run(
            [sys.executable, "-m", "mrcl_bench.cli.main", *arguments],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={
                **kept,
                "MRCL_BENCH_ROOT": str(tmp_path),
                "MRCL_BENCH_TRUST_CONFIG": "1",
                "COLUMNS": "200",
                **{key: str(value) for key, value in environment.items()},
            },
            timeout=120,
        )

    return run


def manifest_of(folder: Path) -> Manifest:
    """The manifest of a checkpoint folder."""
    from mrcl_bench.convert.manifest import read_manifest

    return read_manifest(folder)
