"""Weights from elsewhere in the plan, and the names that they get."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from mrcl_bench.convert.manifest import Manifest, read_manifest
from mrcl_bench.errors import EXIT_USAGE, BenchError
from mrcl_bench.foreign import check_name, kept, name_of, stand_ins
from mrcl_bench.jobs.evaluate import command_for
from mrcl_bench.plan import Plan
from mrcl_bench.record import read_record, write_record

from .toy import Toy


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a/r-50.pth.tar", "r-50"),
        ("a/vit b.safetensors", "vit-b"),
        ("dino/model.safetensors", "dino"),
        ("dino/pytorch_model.bin", "dino"),
        ("run 3/checkpoint_0199.pth.tar", "run-3"),
        ("a/mae_pretrain_vit_base.pth", "mae_pretrain_vit_base"),
        ("a/--x.pth", "x"),
        ("a/v1.2", "v1"),
    ],
)
def test_a_file_names_its_weights(tmp_path: Path, path: str, name: str) -> None:
    assert name_of(tmp_path / path) == name


@pytest.mark.parametrize("name", ["a/b", "../x", "", ".hidden", "mine"])
def test_names_that_are_none_or_taken(toy: Toy, name: str) -> None:
    with pytest.raises(BenchError) as caught:
        check_name(name, toy.catalog)
    assert caught.value.exit_code == EXIT_USAGE
    assert "--name" in caught.value.cure


class Foreign:
    """Foreign weights ``elsewhere`` in the toy workspace."""

    def __init__(self, toy: Toy) -> None:
        pytest.importorskip("mmengine")
        self.toy = toy
        toy.finish()
        self.folder = toy.workspace.checkpoint_dir("micro", "elsewhere")
        shutil.copytree(toy.workspace.checkpoint_dir("micro", "mine"), self.folder)
        self.change(recipe="elsewhere", pretrain={})

    def change(self, **fields: object) -> None:
        """Changes the manifest."""
        path = self.folder / "manifest.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))

    def plan(self) -> Plan:
        """A fresh plan of the two protocols."""
        planner = self.toy.planner
        protocols = list(planner.catalog.protocols.values())
        rows = stand_ins(read_manifest(self.folder), protocols, "micro")
        return planner.plan_for(rows, protocols)

    def finish(self) -> None:
        """Leaves the records that the plan asks for."""
        planner = self.toy.planner
        for step in self.plan().jobs:
            job = step.job
            self.toy.record("mine", job.protocol.name, job.seed)
            path = self.toy.workspace.record_path("micro", "mine", job.protocol.name, job.seed)
            record = read_record(path)
            ref = record.recipe.model_copy(
                update={"name": "elsewhere", "config_sha256": planner.config_hash(job.recipe)}
            )
            mine = self.toy.workspace.record_path("micro", "elsewhere", job.protocol.name, job.seed)
            write_record(mine, record.model_copy(update={"recipe": ref}))


@pytest.fixture
def foreign(toy: Toy) -> Foreign:
    """A finished toy matrix, and foreign weights beside it."""
    return Foreign(toy)


def test_nothing_is_pretrained_for_foreign_weights(foreign: Foreign) -> None:
    plan = foreign.plan()
    assert [(step.state, step.recipe.name) for step in plan.pretrainings] == [("done", "elsewhere")]
    assert {step.reason for step in plan.jobs} == {"no record"}
    assert len(plan.jobs) == 4
    assert plan.needed_pretrainings() == []
    assert "eval --name elsewhere" in command_for(plan.jobs[0].job)


def test_finished_jobs_stand_until_input_or_weights_change(foreign: Foreign) -> None:
    foreign.finish()
    assert {step.state for step in foreign.plan().jobs} == {"done"}
    manifest = json.loads((foreign.folder / "manifest.json").read_text())
    foreign.change(normalisation={**manifest["normalisation"], "channel_order": "bgr"})
    assert {step.reason for step in foreign.plan().jobs} == {"normalisation changed"}
    foreign.change(normalisation=manifest["normalisation"], weights_sha256="0" * 64)
    assert {step.reason for step in foreign.plan().jobs} == {"weights changed"}


def test_missing_data_blocks_foreign_weights(foreign: Foreign) -> None:
    (foreign.toy.root / "data/toy/picture.txt").unlink()
    (foreign.toy.root / "data/toy").rmdir()
    plan = foreign.plan()
    assert {step.state for step in plan.jobs} == {"blocked"}
    assert len(foreign.toy.planner.missing_data(plan)) == 1


def test_weights_that_were_given_before_are_known_by_name(foreign: Foreign) -> None:
    workspace = foreign.toy.workspace
    assert kept(workspace, "micro", "elsewhere").foreign
    for name, said in (("nowhere", "no weights called"), ("mine", "pretrained")):
        with pytest.raises(BenchError, match=said) as caught:
            kept(workspace, "micro", name)
        assert caught.value.exit_code == EXIT_USAGE


def test_lost_weights_are_told(foreign: Foreign) -> None:
    (foreign.folder / "backbone.pth").write_text("cut")
    protocols = list(foreign.toy.catalog.protocols.values())
    manifest = json.loads((foreign.folder / "manifest.json").read_text())
    rows = stand_ins(Manifest.model_validate(manifest), protocols, "micro")
    with pytest.raises(BenchError, match="no converted weights 'elsewhere'"):
        foreign.toy.planner.config_hash(rows[0])


def test_a_bench_block_is_never_foreign(toy: Toy) -> None:
    toy.edit("mine", 'kind="recipe"', 'kind="foreign"')
    with pytest.raises(BenchError, match="foreign"):
        _ = toy.catalog
