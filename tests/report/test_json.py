"""JSON: full precision, states, and the same numbers as the tables."""

from __future__ import annotations

import json

from mrcl_bench.compare import build

from ..conftest import Cli
from ..factories import example, make_record, save


def test_numbers_and_states_are_those_of_the_records(cli: Cli, tmp_path) -> None:
    records = example()
    save(tmp_path, *records)
    done = cli("compare", "--no-write", "--format", "json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["profiles"]["tiny"]
    cells = {
        (row["recipe"], row["protocol"], row["metric"]): row
        for row in found["cells"]
        if row["state"] != "apart" or not row["reason"]  # the others stand beside the columns
    }
    for matrix in build(records):
        for column in matrix.columns:
            for recipe in matrix.recipes:
                cell = column.cells[recipe.name]
                said = cells[recipe.name, column.protocol.name, column.key]
                assert said["values"] == list(cell.values)  # to the last bit
                assert said["state"] == cell.state and said["mark"] == cell.mark
                assert said["mean"] == (cell.spread.mean if cell.spread else None)
                assert said["failures"] == list(cell.failures)
    states = {cell["state"] for cell in found["cells"]}
    assert states == {"measured", "partial", "failed", "missing", "apart"}
    assert {"diverged"} in [set(cell["failures"]) for cell in found["cells"]]
    assert [r["mean_rank"] for r in found["mean_ranks"]] == [None] * 3
    titles = [view["title"] for views in found["tables"].values() for view in views]
    assert "Summary, vit-t6, profile tiny" in titles


def test_published_numbers_only_when_asked_for(cli: Cli, tmp_path) -> None:
    record = make_record(
        profile="paper",
        recipe={"backbone": "vit-base-p16"},
        protocol={"name": "x", "family": "finetune", "display": "Fine-tuning"},
        data={"id": "imagenet"},
    )
    save(tmp_path, record)
    plain = json.loads(cli("compare", "--no-write", "--format", "json").stdout)
    assert plain["profiles"]["paper"]["published"] == []
    asked = json.loads(cli("compare", "--no-write", "--published", "--format", "json").stdout)
    rows = asked["profiles"]["paper"]["published"]
    assert rows and {row["state"] for row in rows} == {"published"}


def test_a_damaged_record_is_named_within(cli: Cli, tmp_path) -> None:
    path = save(tmp_path, *example())[0]
    path.write_text("{")
    done = cli("compare", "--no-write", "--format", "json")
    assert done.returncode == 1
    (said,) = json.loads(done.stdout)["left_out"]
    assert str(path) in said
