from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mrcl_bench.compare import build, gain, indistinguishable, load, spread, summarise
from mrcl_bench.compare.matrix import Cell, Column, Matrix
from mrcl_bench.errors import BenchError
from mrcl_bench.metrics import METRICS, Metric
from mrcl_bench.record import Record

from .factories import example, make_record, save, seeds, sha

MRCL, MAE, SIMCLR = "mrcl_vit-t6_tiny", "mae_vit-t6_tiny", "simclr_vit-t6_tiny"
RANDOM, SUPERVISED = "random_vit-t6_tiny", "supervised_vit-t6_tiny"
LINEAR = "vit-t6_linear_stamps"


def column(records: list[Record], **kwargs: object) -> Column:
    return build(records, **kwargs)[0].columns[0]  # type: ignore[arg-type]


def cell(records: list[Record], recipe: str = MRCL) -> Cell:
    return column(records).cells[recipe]


# --- load ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("below", ["results", "results/records", "results/records/tiny"])
def test_load_accepts_root_records_and_profile_folder(tmp_path: Path, below: str) -> None:
    save(tmp_path, *seeds([0.5, 0.6]))
    loaded = load(tmp_path / below)
    assert loaded.root == (tmp_path / "results").resolve()
    assert [record.seed for record in loaded.of("tiny")] == [0, 1]


def test_load_keeps_profiles_apart(tmp_path: Path) -> None:
    save(tmp_path, make_record(), make_record(profile="micro"))
    loaded = load(tmp_path / "results")
    assert {name: len(found) for name, found in loaded.records.items()} == {"tiny": 1, "micro": 1}
    assert list(load(tmp_path / "results", "micro").records) == ["micro"]


@pytest.mark.parametrize("make", [lambda p: None, lambda p: p.mkdir(), lambda p: p.write_text("x")])
def test_wrong_folder_says_what_was_expected_and_the_next_command(tmp_path: Path, make) -> None:  # type: ignore[no-untyped-def]
    make(tmp_path / "nowhere")
    with pytest.raises(BenchError, match=r"records/<profile>/<recipe>.*mrcl-bench run"):
        load(tmp_path / "nowhere")


def test_unknown_and_absent_profile(tmp_path: Path) -> None:
    save(tmp_path, make_record())
    with pytest.raises(BenchError, match="Did you mean tiny") as unknown:
        load(tmp_path / "results", "tinny")
    assert unknown.value.exit_code == 2
    with pytest.raises(BenchError, match="There is: tiny. .*mrcl-bench run --profile paper"):
        load(tmp_path / "results", "paper")


def test_every_bad_file_is_named_in_one_pass(tmp_path: Path) -> None:
    good, half, wrong, percent, unmeasured = save(
        tmp_path,
        *seeds([0.5, 0.5, 0.5]),
        make_record(seed=3, metrics={"val/accuracy": 84.1}),
        make_record(seed=4, metrics={}),
    )
    half.write_text(half.read_text()[:100])
    wrong.write_text(json.dumps({"status": "completed"}))
    loaded = load(tmp_path / "results")
    assert list(loaded.records["tiny"]) == [good.resolve()]
    named = " ".join(problem.what for problem in loaded.problems)
    assert all(str(path.resolve()) in named for path in (half, wrong, percent, unmeasured))
    assert "metrics.val/accuracy is 84.1" in named


def test_unknown_main_metric_is_named(tmp_path: Path) -> None:
    save(tmp_path, make_record(protocol={"main_metric": "val/acuracy"}))
    (problem,) = load(tmp_path / "results").problems
    assert "acuracy" in problem.what and "accuracy" in problem.cure


def test_record_in_the_wrong_place_is_left_out(tmp_path: Path) -> None:
    (path,) = save(tmp_path, make_record())
    elsewhere = path.parent.parent / "another_protocol" / path.name
    elsewhere.parent.mkdir()
    path.rename(elsewhere)
    loaded = load(tmp_path / "results")
    assert not loaded.records
    assert str(elsewhere) in loaded.problems[0].what and str(path) in loaded.problems[0].what


@pytest.mark.parametrize("copy", ["seed1.json", "seed0 (copy).json", "seed00.json"])
def test_same_seed_twice_is_refused(tmp_path: Path, copy: str) -> None:
    (path,) = save(tmp_path, make_record())
    shutil.copy(path, path.with_name(copy))
    with pytest.raises(BenchError, match="same seed is given twice") as refused:
        load(tmp_path / "results")
    assert str(path) in refused.value.what and copy in refused.value.what


def test_side_files_are_not_records(tmp_path: Path) -> None:
    (path,) = save(tmp_path, make_record(artifacts={"right": "seed0.right.json"}))
    path.with_name("seed0.right.json").write_text("[1, 0]")
    assert not load(tmp_path / "results").problems


# --- cells --------------------------------------------------------------------------------------


def test_states_differ() -> None:
    failure = {"kind": "diverged", "message": "loss is nan"}
    records = [
        *seeds([0.5, 0.6, 0.7]),
        *seeds([0.5, 0.6], recipe=MAE),
        make_record(recipe=MAE, seed=2, failure=failure),
        make_record(recipe=SIMCLR, failure=failure),
        make_record(recipe=RANDOM, protocol="vit-t6_upernet_stamps"),
    ]
    cells = column(records).cells
    states = {name: cells[name].state for name in (MRCL, MAE, SIMCLR, RANDOM)}
    assert states == {MRCL: "measured", MAE: "partial", SIMCLR: "failed", RANDOM: "missing"}
    assert (len(cells[MAE].values), cells[MAE].expected) == (2, 3)
    assert cells[SIMCLR].failures == ("diverged",)


def test_expected_seeds_can_be_given() -> None:
    records = seeds([0.5, 0.6])
    assert cell(records).state == "measured"
    assert column(records, expected={(MRCL, LINEAR): 3}).cells[MRCL].state == "partial"


def test_single_seed_has_no_spread() -> None:
    assert spread([0.5]).std is None
    assert spread([0.5, 0.7]).std == pytest.approx(0.1 * 2**0.5)


def test_metrics_of_a_protocol_stand_in_order() -> None:
    metrics = dict.fromkeys(
        ["novel/bbox_mAP", "val/segm_mAP", "val/bbox_mAP_75", "val/bbox_mAP_50", "val/bbox_mAP"],
        0.1,
    )
    (matrix,) = build([make_record(protocol="mask-rcnn_vit-t6_stamps", metrics=metrics)])
    assert [c.key for c in matrix.columns] == [
        "val/bbox_mAP", "val/bbox_mAP_50", "val/segm_mAP", "novel/bbox_mAP",
    ]  # fmt: skip
    assert [c.main for c in matrix.columns] == [True, False, False, False]


def test_labels_are_unique() -> None:
    records = [
        make_record(recipe={"name": "a", "display": "MRCL"}),
        make_record(recipe={"name": "b", "display": "MRCL"}),
    ]
    (matrix,) = build(records)
    assert matrix.labels == {"a": "MRCL (a)", "b": "MRCL (b)"}


def test_backbones_have_their_own_matrices() -> None:
    other = make_record(recipe={"name": "resnet", "backbone": "resnet50"}, protocol={"name": "r50"})
    matrices = build([make_record(), other])
    assert [(m.backbone, len(m.recipes)) for m in matrices] == [("resnet50", 1), ("vit-t6", 1)]


# --- comparability ------------------------------------------------------------------------------


def only_matrix(records: list[Record]) -> Matrix:
    (matrix,) = build(records)
    return matrix


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"protocol": {"config_sha256": sha("x")}}, "other protocol config"),
        ({"data": {"sha256": sha("x")}}, "other data"),
    ],
)
def test_other_hash_stands_apart_and_is_not_ranked(other: dict[str, object], reason: str) -> None:
    records = [*seeds([0.5, 0.5, 0.6]), *seeds([0.4, 0.5, 0.5], recipe=MAE)]
    records += seeds([0.9, 0.9, 0.9], recipe=SIMCLR, **other)
    matrix = only_matrix(records)
    cells = matrix.columns[0].cells
    assert cells[SIMCLR].state == "apart" and not cells[SIMCLR].mark
    assert cells[MRCL].mark == "best"
    (apart,) = matrix.apart
    assert apart.recipe.name == SIMCLR and reason in apart.reasons[0]
    assert apart.cell.values == (0.9, 0.9, 0.9)


def test_newest_group_stands_among_equals() -> None:
    old = seeds([0.5], finished="2026-01-01T00:00:00+00:00")
    new = seeds([0.4], recipe=MAE, data={"sha256": "n"}, finished="2026-01-02T00:00:00+00:00")
    for records in ([*old, *new], [*new, *old]):
        assert only_matrix(records).columns[0].data.sha256 == "n"


def test_earlier_checkpoint_is_not_averaged_with_the_newer() -> None:
    retrained = make_record(
        seed=0,
        metrics={"val/accuracy": 0.9},
        checkpoint={"sha256": sha("again")},
        finished="2026-02-01T00:00:00+00:00",
    )
    matrix = only_matrix([*seeds([0.5, 0.5, 0.5])[1:], retrained])
    assert matrix.columns[0].cells[MRCL].values == (0.9,)
    assert matrix.columns[0].cells[MRCL].state == "partial"
    assert "earlier checkpoint" in matrix.apart[0].reasons[0]


def test_failed_run_without_data_or_checkpoint_keeps_its_cell() -> None:
    failure = {"kind": "load", "message": "no weights"}
    failed = make_record(recipe=MAE, failure=failure, data={"sha256": ""}, checkpoint=None)
    assert cell([make_record(), failed], MAE).state == "failed"


# --- best, near, ranks, gains -------------------------------------------------------------------


def test_best_near_and_references() -> None:
    records = [
        *seeds([0.80, 0.82, 0.84]),
        *seeds([0.79, 0.81, 0.83], recipe=MAE),
        *seeds([0.60, 0.61, 0.62], recipe=SIMCLR),
        *seeds([0.90, 0.91, 0.92], recipe=SUPERVISED),
        *seeds([0.81, 0.82, 0.83], recipe=RANDOM),
    ]
    marks = {name: c.mark for name, c in column(records).cells.items()}
    assert marks == {MRCL: "best", MAE: "near", SIMCLR: "", SUPERVISED: "", RANDOM: ""}


def test_ties_are_all_best() -> None:
    records = [
        *seeds([0.1, 0.2, 0.3]),
        *seeds([0.3, 0.1, 0.2], recipe=MAE),
        *seeds([0.1], recipe=SIMCLR),
    ]
    cells = column(records).cells
    assert cells[MRCL].mark == cells[MAE].mark == "best"


def test_partial_cell_is_never_best_and_single_seed_never_near() -> None:
    records = [*seeds([0.5, 0.6]), *seeds([0.4, 0.5], recipe=SIMCLR), *seeds([0.9], recipe=MAE)]
    cells = column(records).cells
    assert cells[MRCL].mark == "best" and cells[MAE].mark == ""
    single = column([*seeds([0.5]), *seeds([0.4999], recipe=MAE)])
    assert [single.cells[name].mark for name in (MRCL, MAE)] == ["best", ""]
    assert not indistinguishable(spread([0.5]), spread([0.5, 0.6]))


def test_direction_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METRICS, "accuracy", Metric("error %", higher_is_better=False))
    records = [
        *seeds([0.2, 0.2]),
        *seeds([0.3, 0.3], recipe=MAE),
        *seeds([0.8, 0.8], recipe=RANDOM),
    ]
    assert cell(records).mark == "best"
    (summary,) = summarise(build(records))
    assert summary.ranks == {MRCL: (1.0,), MAE: (2.0,)}
    (better,) = summary.gains[MRCL]
    assert better is not None and better.difference == pytest.approx(0.6)


def test_ranks_share_ties_and_need_every_cell() -> None:
    records = [*seeds([0.5]), *seeds([0.5], recipe=MAE), *seeds([0.1], recipe=SIMCLR)]
    (summary,) = summarise(build(records))
    assert summary.ranks == {MRCL: (1.5,), MAE: (1.5,), SIMCLR: (3.0,)}
    assert summary.mean_rank(MRCL) == 1.5
    incomplete = [*records, make_record(protocol="vit-t6_knn_stamps")]
    (summary,) = summarise(build(incomplete))
    assert summary.mean_rank(MRCL) is None
    assert set(summary.ranks[MRCL]) == {1.5, None}


def test_gain_is_welch() -> None:
    found = gain([0.8, 0.82, 0.84], [0.4, 0.5, 0.6])
    assert found.difference == pytest.approx(0.32)
    assert found.error == pytest.approx((0.02**2 / 3 + 0.1**2 / 3) ** 0.5)
    assert found.p is not None and 0.02 < found.p < 0.04
    assert gain([0.8], [0.4, 0.5]).error is None
    assert gain([0.8, 0.8], [0.4, 0.4]).p is None  # no spread, so no test


def test_order_of_records_does_not_matter() -> None:
    records = example()
    assert build(records) == build(records[::-1])


def test_readers_import_neither_torch_nor_mm() -> None:
    code = (
        "import sys, mrcl_bench.record, mrcl_bench.compare, mrcl_bench.report, "
        "mrcl_bench.cli.compare, mrcl_bench.cli.ls, mrcl_bench.cli.report, mrcl_bench.cli.explain, "
        "mrcl_bench.report.explain, mrcl_bench.report.html.page, mrcl_bench.report.latex, "
        "mrcl_bench.report.json, mrcl_bench.provenance.configs\n"
        "heavy = {'torch', 'mmengine', 'mmcv', 'mmdet', 'mmseg', 'mmpretrain'}\n"
        "slow = {'pandas', 'scipy', 'tabulate', 'numpy', 'jinja2', 'matplotlib', 'PIL'}\n"
        "assert not (heavy | slow) & set(sys.modules), sorted(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
