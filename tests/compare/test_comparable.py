from __future__ import annotations

import io

import pandas as pd
from rich.console import Console
from typer.testing import CliRunner

from mrcl_bench.compare import build, summarise
from mrcl_bench.record import Record
from mrcl_bench.report import markdown, render_tables, terminal
from mrcl_bench.report.across import across
from mrcl_bench.report.listing import listing
from mrcl_bench.report.tables import profile_views
from tests.factories import example, make_record, save, seeds, sha
from tests.report.test_tables import app

MRCL, MAE, SIMCLR = "mrcl_vit-t6_tiny", "mae_vit-t6_tiny", "simclr_vit-t6_tiny"
LINEAR = "vit-t6_linear_stamps"


def rehearsed(**overrides: object) -> Record:
    record = make_record(**overrides)  # type: ignore[arg-type]
    object.__setattr__(record, "rehearsal", {"images": "32 of 1281167"})
    return record


def test_rehearsals_never_stand_in_a_column() -> None:
    records = [*seeds([0.5, 0.6]), *(rehearsed(recipe=MAE, seed=s) for s in range(5))]
    (matrix,) = build(records)
    cells = matrix.columns[0].cells
    assert cells[MAE].state == "rehearsal" and not cells[MAE].values
    assert (cells[MRCL].state, cells[MRCL].expected) == ("measured", 2)
    (apart,) = matrix.apart
    assert "rehearsal" in apart.reasons[0]


def test_rehearsals_do_not_even_stand_alone_or_beside_themselves() -> None:
    records = [rehearsed(), rehearsed(recipe=MAE)]
    (matrix,) = build(records)
    assert {cell.state for cell in matrix.columns[0].cells.values()} == {"rehearsal"}
    (summary,) = summarise((matrix,))
    assert summary.mean_rank(MRCL) is None
    text = render_tables("tiny", records)["classification.md"]
    assert "| rehearsal |" in text.replace("  ", "") and "proves the pipeline" in text


def test_a_rehearsal_of_the_same_recipe_changes_nothing() -> None:
    real = seeds([0.5, 0.6])
    again = rehearsed(seed=7, metrics={"val/accuracy": 0.99}, finished="2027-01-01T00:00:00+00:00")
    (matrix,) = build([*real, again])
    assert matrix.columns[0].cells[MRCL].values == (0.5, 0.6)
    cost = render_tables("tiny", [*real, rehearsed(seed=7, pretrain_cost={"images_seen": 3})])
    assert "40\u202f000" in cost["cost.md"]


def test_drawn_shapes_never_outvote_photographs() -> None:
    shapes = {"shapes_fallback": True}
    records = [*seeds([0.5]), *seeds([0.9] * 5, recipe=MAE, data=shapes)]
    (matrix,) = build(records)
    cells = matrix.columns[0].cells
    assert (cells[MRCL].values, cells[MAE].state) == ((0.5,), "apart")
    assert "drawn shapes in place of photographs" in matrix.apart[0].reasons
    (alone,) = build(records[1:])
    assert alone.columns[0].cells[MAE].state == "measured"  # and the table says so


def test_records_without_broken_images_are_not_ranked_with_whole_data() -> None:
    left_out = {"broken_images": 3}
    records = [*seeds([0.5, 0.6]), *seeds([0.9, 0.91, 0.92], recipe=MAE, data=left_out)]
    (matrix,) = build(records)
    cells = matrix.columns[0].cells
    assert (cells[MRCL].values, cells[MAE].state) == ((0.5, 0.6), "apart")
    assert matrix.apart[0].reasons == ("broken images left out: 3, in the column 0",)

    fewer = seeds([0.4], recipe=SIMCLR, data={"broken_images": 1})
    (matrix,) = build([*records[2:], *fewer])
    assert matrix.columns[0].cells[SIMCLR].state == "apart"
    assert matrix.apart[0].reasons == ("broken images left out: 1, in the column 3",)
    failed = make_record(recipe=SIMCLR, failure={"kind": "memory", "message": "killed"})
    (matrix,) = build([*records[2:], failed])
    assert matrix.columns[0].cells[SIMCLR].state == "failed"


def test_records_without_broken_images_bear_a_mark_and_a_note() -> None:
    records = [
        *seeds([0.5, 0.6], data={"broken_images": 3}),
        *seeds([0.8, 0.9], recipe=MAE, data={"broken_images": 3}),
        *seeds([0.3], protocol="vit-t6_knn_stamps"),
    ]
    texts = render_tables("tiny", records)
    for name in ("classification.md", "summary.md"):
        text = texts[name]
        assert "55.0 ±7.1 §" in text and "**85.0 ±7.1 §**" in text
        assert "30.0 §" not in text
        assert "- §: measured without 3 broken images of stamps" in text
    rows = pd.read_csv(io.StringIO(texts["classification.csv"])).set_index("protocol")["reason"]
    assert set(rows[LINEAR]) == {"without 3 broken images"}
    assert "broken" not in str(rows["vit-t6_knn_stamps"])
    assert "§" not in render_tables("tiny", seeds([0.5, 0.6]))["classification.md"]


def test_other_normalisation_is_no_reason() -> None:
    fed = {"mean": (0.5,) * 3, "std": (0.5,) * 3, "channel_order": "rgb", "value_range": (0, 1)}
    (normalised,) = seeds([0.4], recipe=MAE, normalisation=fed)
    assert normalised.normalisation is not None
    (matrix,) = build([*seeds([0.5]), normalised])
    assert not matrix.apart


def states() -> list[Record]:
    """Every state that a cell can have, each in a row of its own."""
    failed = {"kind": "diverged", "message": "loss is nan"}
    crashed = {"kind": "error", "message": "?"}
    return [
        *seeds([0.51, 0.52, 0.53]),
        *seeds([0.41, 0.42], recipe="partial"),
        make_record(recipe="failed", failure=crashed),
        make_record(recipe="diverged", failure=failed),
        rehearsed(recipe="rehearsed"),
        make_record(recipe="apart", data={"sha256": sha("other")}),
        make_record(recipe="missing", protocol="vit-t6_upernet_stamps"),
    ]


def test_every_state_looks_different_in_every_format() -> None:
    records = states()
    (view, *_) = profile_views("tiny", records)["classification"]
    by_row = {row.label: row.cells[0].text for row in view.rows}
    shown = [by_row[name] for name in ("partial", "failed", "diverged", "rehearsed", "apart")]
    assert shown == ["41.5 ±0.7 2/3", "error", "diverged", "rehearsal", "†"]
    assert by_row["missing"] == "—" and by_row["MRCL"] == "52.0 ±1.0"
    assert len(set(by_row.values())) == len(by_row)
    out = io.StringIO()
    terminal.show([view], Console(file=out, width=100, highlight=False))
    page = markdown.render([view])
    for text in by_row.values():
        assert text in out.getvalue() and text in page
    frame = pd.read_csv(io.StringIO(render_tables("tiny", records)["classification.csv"]))
    frame = frame[frame["metric"] == "val/accuracy"]
    # The record apart is there twice: its empty cell, and the result beside the table.
    by_state = frame.groupby("recipe")["state"].first()
    assert by_state["failed"] == by_state["diverged"] == "failed"
    reasons = frame.groupby("recipe")["reason"].first()
    assert (reasons["failed"], reasons["diverged"]) == ("error", "diverged")
    assert by_state[["rehearsed", "apart", "missing", "partial"]].tolist() == [
        "rehearsal", "apart", "missing", "partial",
    ]  # fmt: skip


def test_listing_tells_rehearsals() -> None:
    (view,) = listing("tiny", [rehearsed(), *seeds([0.5, 0.6])[1:]])
    assert [row.cells[0].text for row in view.rows] == ["rehearsal, completed", "completed"]


def test_mean_over_an_incomplete_row_is_a_dash() -> None:
    text = render_tables("tiny", states())["summary.md"]
    assert "— 0/2" in text
    # Of two columns one is whole, and both rows have a rank in it.
    both = [*seeds([0.5, 0.6]), *seeds([0.4, 0.5], recipe=MAE)]
    alone = seeds([0.3, 0.4], protocol="vit-t6_knn_stamps")
    assert render_tables("tiny", [*both, *alone])["summary.md"].count("— 1/2") == 2


def on_another_backbone() -> list[Record]:
    recipe = {"name": "mrcl_resnet50", "backbone": "resnet50", "display": "MRCL"}
    protocol = {"name": "resnet50_linear", "family": "linear", "display": "Linear probe"}
    return seeds([0.99, 0.98], recipe=recipe, protocol=protocol)


def test_families_over_backbones_stand_in_blocks() -> None:
    records = [*seeds([0.5, 0.6]), *seeds([0.4, 0.5], recipe=MAE), *on_another_backbone()]
    (view,) = across("tiny", build(records))
    assert [row.label for row in view.rows] == ["resnet50: MRCL", "vit-t6: MRCL", "vit-t6: MAE"]
    assert len({row.section for row in view.rows}) == 2
    assert [row.cells[0].kind for row in view.rows] == ["", "best", "near"]
    page = markdown.render([view])
    assert "*vit-t6, stamps, protocol" in page and "not ranked against each other" in page
    assert across("tiny", build(example())) == []


def test_across_and_statistics_by_command(tmp_path) -> None:  # type: ignore[no-untyped-def]
    save(tmp_path, *example(), *on_another_backbone())
    results = str(tmp_path / "results")
    found = CliRunner().invoke(app, ["compare", results, "--across", "--format", "markdown"])
    assert found.exit_code == 0, found.output
    assert "Family linear over backbones" in found.output
    table = CliRunner().invoke(app, ["compare", results, "--across", "--format", "csv"])
    frame = pd.read_csv(io.StringIO(table.output))
    assert set(frame[frame["family"] == "linear"]["backbone"]) == {"resnet50", "vit-t6"}
    assert not (tmp_path / "results/tables").exists()
    found = CliRunner().invoke(app, ["compare", results, "--statistics", "--format", "markdown"])
    assert found.exit_code == 0, found.output
    assert "sign flips" in found.output
    written = tmp_path / "results/statistics"
    assert {p.name for p in written.iterdir()} == {"tiny.md", "tiny.csv"}
    frame = pd.read_csv(written / "tiny.csv")
    assert set(frame["verdict"]) <= {"better", "worse", "not separable", "untested"}


def test_comparisons_say_what_cannot_be_told() -> None:
    text = render_tables("tiny", example())["comparisons.md"]
    assert "not separable" in text and "not the same as equal" in text
    frame = pd.read_csv(io.StringIO(render_tables("tiny", example())["comparisons.csv"]))
    unclear = frame[frame["verdict"] == "not separable"]
    assert (unclear["p_holm"] > 0.05).all() and (unclear["seeds_needed"] > 3).all()
    clear = frame[frame["verdict"].isin(["better", "worse"])]
    assert (clear["p_holm"] <= 0.05).all() and len(clear) > 4
    assert ((clear["difference"] > 0) == (clear["verdict"] == "better")).all()
    assert (frame["p_holm"] >= frame["p"]).all()


def test_which_budget_is_matched() -> None:
    def cost(images: int, gflops: float) -> str:
        more = {"images_seen": images, "encoder_gflops": gflops, "epochs": 1.0}
        records = [make_record(pretrain_cost={"images_seen": 1000, "encoder_gflops": 0.1,
                                              "epochs": 1.0}),
                   make_record(recipe=MAE, pretrain_cost=more)]  # fmt: skip
        return render_tables("tiny", records)["cost.md"]

    assert "Budget matched: 1\u202f000 images of method and baselines." in cost(1000, 0.1)
    assert "encoder GFLOPs of one pass differ" in cost(1000, 0.2)
    assert "Budgets differ: method and baselines saw between 1\u202f000" in cost(2000, 0.1)
    unknown = [make_record(), make_record(recipe=MAE, pretrain_cost=None)]
    assert "Budget: not known for MAE" in render_tables("tiny", unknown)["cost.md"]
