"""Rehearsals from end to end: good protocols go through, broken ones say why."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mmseg")
pytest.importorskip("mmdet")
pytest.importorskip("mmpretrain")
from filelock import FileLock  # noqa: E402
from rich.console import Console  # noqa: E402

from mrcl_bench.catalog import Catalog, config_root, load_catalog  # noqa: E402
from mrcl_bench.compare import load  # noqa: E402
from mrcl_bench.errors import EXIT_LOCKED, EXIT_USAGE, BenchError  # noqa: E402
from mrcl_bench.record import read_record, write_record  # noqa: E402
from mrcl_bench.rehearsal.reduce import Rehearsal  # noqa: E402
from mrcl_bench.rehearsal.rehearse import Result, rehearse, select  # noqa: E402
from mrcl_bench.workspace import Workspace  # noqa: E402

ONE_PER_TASK = [
    "resnet50_knn_in1k",
    "mask-rcnn_resnet50_fpn_8xb2-1x_coco",
    "resnet50_fcn_4xb4-160k_ade20k-512x512",
]
FCN = config_root() / "segmentation" / "resnet50_fcn_4xb4-160k_ade20k-512x512.py"
BROKEN = {
    "broken-channels": "model = dict(decode_head=dict(in_channels=1024))",
    "broken-key": "model = dict(decode_head=dict(chanels=512))",
}
WHY = {"broken-channels": "channels", "broken-key": "chanels"}


def broken_configs(folder: Path) -> Path:
    """Writes protocols that a cluster job would die of."""
    text = FCN.read_text()
    start = text.index("bench = dict(")
    bench = text[start : text.index("\n)\n", start) + 3]
    folder.mkdir()
    for name, change in BROKEN.items():
        (folder / f"{name}.py").write_text(f'_base_ = ["{FCN}"]\n{bench}{change}\n')
    return folder


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, dict[str, Result], str]:
    """One run of good and broken protocols, all on the same weights."""
    root = tmp_path_factory.mktemp("rehearsal")
    catalog = Catalog(config_root(), broken_configs(root / "broken"))
    out = io.StringIO()
    workspace = Workspace(root)
    protocols, _ = select(catalog, "paper", [*ONE_PER_TASK, *BROKEN], [])
    found = rehearse(
        workspace, catalog, "paper", protocols, [], Rehearsal(), Console(file=out, width=80)
    )
    return workspace, {result.name: result for result in found}, out.getvalue()


@pytest.mark.parametrize("name", ONE_PER_TASK)
def test_a_protocol_of_each_task_goes_through(name: str, results: Any) -> None:
    workspace, found, shown = results
    assert found[name].ok, found[name].reason
    assert name in shown
    record = read_record(next(workspace.rehearsals.rglob(f"{name}/seed0.json")))
    assert record.status == "completed" and record.rehearsal
    assert record.rehearsal["images"].endswith("128 px")
    assert record.protocol.main_metric in record.metrics
    assert record.load_report is not None and record.load_report.loaded > 200
    assert record.environment.device and "rehearse" in record.command


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_protocol_says_why(name: str, results: Any) -> None:
    workspace, found, _ = results
    assert not found[name].ok
    assert WHY[name] in found[name].reason
    record = read_record(next(workspace.rehearsals.rglob(f"{name}/seed0.json")))
    assert record.status == "failed" and record.rehearsal is not None


def test_real_results_are_left_alone(results: Any) -> None:
    workspace, _, _ = results
    assert not (workspace.root / "checkpoints").exists()
    assert not (workspace.root / "data").exists()
    assert not (workspace.results / "records").exists()


def test_no_table_takes_a_rehearsal(results: Any, tmp_path: Path) -> None:
    workspace, _, _ = results
    for folder in (workspace.rehearsals, workspace.results):
        if folder == workspace.results:
            real = tmp_path / "results"
            for path in workspace.rehearsals.rglob("seed0.json"):
                copied = real / "records" / path.relative_to(workspace.rehearsals)
                write_record(copied, read_record(path))
            folder = real
        loaded = load(folder)
        assert loaded.records == {}
        assert len(loaded.problems) == len(ONE_PER_TASK) + len(BROKEN)
        assert all("is a rehearsal" in problem.what for problem in loaded.problems)


def test_words_select_as_in_eval_and_on_request_counts() -> None:
    catalog = load_catalog()
    everything = {p.name for p in catalog.protocols.values() if "paper" in p.profiles}
    assert {p.name for p in select(catalog, "paper", [], [])[0]} == everything
    seg = {p.name for p in catalog.protocols.values() if "paper" in p.profiles}
    seg &= {p.name for p in catalog.protocols.values() if p.task == "segmentation"}
    assert {p.name for p in select(catalog, "paper", ["seg"], [])[0]} == seg
    assert {p.name for p in select(catalog, "paper", ["fcn"], [])[0]} <= seg
    protocols, recipes = select(catalog, "paper", [], ["moco"])
    assert protocols == [] and {recipe.algorithm for recipe in recipes} == {"moco"}
    for words, wanted in ((["fnc"], []), ([], ["mcoo"])):
        with pytest.raises(BenchError, match="Did you mean") as caught:
            select(catalog, "paper", words, wanted)
        assert caught.value.exit_code == EXIT_USAGE


def test_a_backbone_without_recipe_is_said(tmp_path: Path) -> None:
    catalog = Catalog(broken_configs(tmp_path / "broken"))
    protocols, _ = select(catalog, "paper", [], [])
    found = rehearse(
        Workspace(tmp_path), catalog, "paper", protocols, [], Rehearsal(), Console(quiet=True)
    )
    assert all("no recipe of profile paper has backbone" in result.reason for result in found)


def test_one_rehearsal_at_a_time(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    workspace.runs.mkdir(parents=True)
    with FileLock(workspace.runs / ".rehearsals.lock"), pytest.raises(BenchError) as caught:
        rehearse(workspace, Catalog(), "paper", [], [], Rehearsal(), Console(quiet=True))
    assert caught.value.exit_code == EXIT_LOCKED
    assert not (workspace.runs / "rehearsals").exists()


def test_data_without_a_miniature_is_said(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    text = FCN.read_text()
    start = text.index("bench = dict(")
    bench = text[start : text.index("\n)\n", start) + 3]
    (tmp_path / "mine/birds.py").write_text(bench.replace('"ade20k"', '"own:birds"'))
    catalog = Catalog(tmp_path / "mine")
    (result,) = rehearse(
        Workspace(tmp_path),
        catalog,
        "paper",
        list(catalog.protocols.values()),
        [],
        Rehearsal(),
        Console(quiet=True),
    )
    assert not result.ok and "no miniature of data set 'own:birds'" in result.reason


@pytest.mark.nightly
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("kind", ["protocols", "recipes"])
def test_everything_of_the_profile_goes_through(kind: str, tmp_path: Path) -> None:
    catalog = load_catalog()
    protocols, recipes = select(catalog, "paper", [], ["all"] if kind == "recipes" else [])
    found = rehearse(
        Workspace(tmp_path), catalog, "paper", protocols, recipes, Rehearsal(), Console(quiet=True)
    )
    assert found
    assert {result.name: result.reason for result in found if not result.ok} == {}
