"""The whole chain, small: pretrain, convert, judge on three tasks, compare."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mmdet")
pytest.importorskip("mmseg")

from mrcl_bench import per_sample  # noqa: E402
from mrcl_bench.compare import load  # noqa: E402
from mrcl_bench.convert.manifest import read_manifest  # noqa: E402
from mrcl_bench.record import Record, find_records, read_record  # noqa: E402
from mrcl_bench.workspace import Workspace  # noqa: E402

from .conftest import MICRO_CONFIGS  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
MICRO = ("-p", "micro", "--configs", str(MICRO_CONFIGS))


class Chain:
    """A workspace and the command line in it."""

    def __init__(self, root: Path, data: Path) -> None:
        self.workspace = Workspace(root)
        kept = {k: v for k, v in os.environ.items() if k != "PROFILE"}
        self.environment = {
            **kept,
            "MRCL_BENCH_ROOT": str(root),
            "MRCL_BENCH_DATA": str(data),
            "COLUMNS": "120",
        }

    def __call__(self, *arguments: str) -> tuple[str, float]:
        """Runs a command; returns its output and seconds."""
        begun = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "mrcl_bench.cli.main", *arguments],
            capture_output=True,
            text=True,
            env=self.environment,
            cwd=self.workspace.root,
        )
        assert done.returncode == 0, done.stdout + done.stderr + self._logs()
        return done.stdout, time.monotonic() - begun

    def _logs(self) -> str:
        logs = sorted(self.workspace.runs.rglob("log.txt"))
        return "".join(f"\n--- {log}\n{log.read_text()[-2000:]}" for log in logs)

    def records(self) -> dict[Path, Record]:
        """All records by path."""
        paths = find_records(self.workspace.records("micro"))
        return {path: read_record(path) for path in paths}


@pytest.fixture(scope="module")
def chain(micro_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Chain:
    """The chain after MRCL and SimCLR on all tasks, and an untrained network on the probes."""
    made = Chain(tmp_path_factory.mktemp("chain"), micro_root)
    out, _ = made("run", *MICRO, "-j", "2", "-r", "mrcl", "-r", "simclr")
    assert "2 pretrainings and 14 jobs to do" in out
    made("run", *MICRO, "-j", "2", "-r", "random", "--protocol", "linear", "--protocol", "knn")
    return made


def test_every_job_completed(chain: Chain) -> None:
    records = chain.records()
    assert len(records) == 18
    assert {record.status for record in records.values()} == {"completed"}
    done = {(r.recipe.algorithm, r.protocol.family, r.seed) for r in records.values()}
    full = {
        (algorithm, family, seed)
        for algorithm in ("mrcl", "simclr")
        for family, seeds in (
            ("linear", 2), ("knn", 2), ("finetune", 1), ("mask-rcnn", 1), ("upernet", 1)
        )
        for seed in range(seeds)
    }  # fmt: skip
    floor = {("random", family, seed) for family in ("linear", "knn") for seed in (0, 1)}
    assert done == full | floor
    assert {r.protocol.task for r in records.values()} == {
        "classification",
        "detection",
        "segmentation",
    }


def test_records_hold_what_they_promise(chain: Chain) -> None:
    for path, record in chain.records().items():
        assert record.protocol.main_metric in record.metrics, path
        assert any(key.startswith("novel/") for key in record.metrics), path
        assert all(0 <= value <= 1 for value in record.metrics.values()), path
        manifest = read_manifest(chain.workspace.checkpoint_dir("micro", record.recipe.name))
        assert record.checkpoint is not None
        assert record.checkpoint.sha256 == manifest.weights_sha256
        assert manifest.proof is not None
        assert record.load_report is not None
        assert record.load_report.loaded == manifest.keys.loaded
        assert record.load_report.missing == []
        assert record.load_report.unexpected == []
        dense = record.protocol.task != "classification"
        assert record.load_report.resized == (["pos_embed"] if dense else [])
        assert record.data.id == "stamps-micro-shapes"
        assert record.environment.packages["torch"]
        assert record.cost.seconds > 0


def test_per_sample_files_lie_beside_the_probes(chain: Chain) -> None:
    for path, record in chain.records().items():
        if record.protocol.family not in ("linear", "knn"):
            continue
        with np.load(path.with_name(record.artifacts["per_sample"])) as stored:
            for split, count in (("val", 96), ("novel", 48)):
                right = stored[f"{split}_correct"]
                assert right.shape == (count,)
                assert right.mean() == record.metrics[f"{split}/accuracy"]


def test_every_metric_comes_back_from_its_images(chain: Chain) -> None:
    seen: dict[str, set[str]] = {}
    for path, record in chain.records().items():
        kept = per_sample.load(path, record)
        assert kept is not None, path
        assert set(kept.keys()) == set(record.metrics), path
        for key, value in record.metrics.items():
            assert kept.value(key) == pytest.approx(value, abs=1e-6), (path, key)
            seen.setdefault(f"{record.protocol.name} {key}", set()).add(kept.images_sha(key))
        if record.protocol.task == "classification":
            assert kept.scores("val") is not None
    assert {len(images) for images in seen.values()} == {1}  # all recipes met the same images


def test_detection_and_segmentation_leave_pictures(chain: Chain) -> None:
    found = sorted(p.parent.parent.name for p in chain.workspace.runs.rglob("samples.npz"))
    assert len(found) == 4
    for path in chain.workspace.runs.rglob("samples.npz"):
        with np.load(path) as stored:
            height, width, channels = stored["image_0"].shape
            truth = stored["true_masks_0" if "true_masks_0" in stored else "true_labels_0"]
            assert truth.shape[-2:] == (height, width)
            assert channels == 3


def test_the_pretraining_cost_is_told(chain: Chain) -> None:
    for record in chain.records().values():
        assert record.pretrain_cost is not None
        trained = record.recipe.role != "floor"
        assert record.pretrain_cost.images_seen == (14 * 32 if trained else 0)
        assert record.pretrain_cost.encoder_gflops
        assert record.pretrain_cost.encoder_gflops > 0


def test_all_recipes_meet_the_same_protocol_and_data(chain: Chain) -> None:
    identities: dict[str, set[tuple[str, str]]] = {}
    for record in chain.records().values():
        identity = (record.protocol.config_sha256, record.data.sha256)
        identities.setdefault(record.protocol.name, set()).add(identity)
    assert all(len(found) == 1 for found in identities.values())
    assert len(identities) == 5


def test_compare_writes_tables(chain: Chain) -> None:
    out, seconds = chain("compare")
    for name in ("MRCL", "SimCLR", "Random init", "Mask R-CNN", "UPerNet", "k-NN"):
        assert name in out
    tables = chain.workspace.tables("micro")
    names = {path.stem for path in tables.iterdir()}
    assert {"classification", "detection", "segmentation"} <= names
    text = (tables / "classification.md").read_text()
    assert "MRCL" in text
    assert load(chain.workspace.results).problems == ()


def test_a_second_run_does_nothing_and_is_quick(chain: Chain) -> None:
    before = {path: path.stat().st_mtime_ns for path in chain.records()}
    out, seconds = chain("run", *MICRO, "-r", "mrcl", "-r", "simclr")
    assert "0 pretrainings and 0 jobs to do, 14 jobs done" in out
    assert {path: path.stat().st_mtime_ns for path in chain.records()} == before
    assert seconds < 30


def test_a_deleted_record_runs_alone(chain: Chain) -> None:
    records = chain.records()
    victim = next(p for p, r in records.items() if r.protocol.family == "knn" and r.seed == 1)
    old = records[victim]
    times = {path: path.stat().st_mtime_ns for path in records if path != victim}
    victim.unlink()
    out, _ = chain("run", *MICRO, "-r", "mrcl", "-r", "simclr")
    assert "0 pretrainings and 1 jobs to do, 13 jobs done" in out
    new = read_record(victim)
    assert new.metrics == old.metrics
    assert new.choices == old.choices
    assert {path: path.stat().st_mtime_ns for path in times} == times


def test_nothing_unfinished_is_left(chain: Chain) -> None:
    root = chain.workspace.root
    assert list(root.rglob("*.tmp")) == []
    for name in ("epoch_*.pth", "iter_*.pth", "last_checkpoint", "failure.json"):
        assert list((chain.workspace.runs / "pretrain").rglob(name)) == []
    for folder in (root / "checkpoints/micro").iterdir():
        assert {path.name for path in folder.iterdir()} >= {"raw.pth", "backbone.pth"}
        assert json.loads((folder / "manifest.json").read_text())["recipe"] == folder.name
