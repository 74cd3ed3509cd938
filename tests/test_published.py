"""Published numbers: where they may stand, and how they are told from what was measured."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console
from typer.testing import CliRunner

from mrcl_bench.catalog import load_catalog
from mrcl_bench.cli.main import app
from mrcl_bench.compare import build
from mrcl_bench.metrics import METRICS
from mrcl_bench.published import Published, entries, load_published
from mrcl_bench.record import Record
from mrcl_bench.report import markdown, terminal
from mrcl_bench.report.published import csv_rows
from mrcl_bench.report.tables import profile_views, render_tables

from .factories import make_record, save

UPERNET = "vit-base-p16_upernet_8xb2-amp-160k_ade20k-512x512"


def measured(seed: int = 0, backbone: str = "vit-base-p16", data: str = "ade20k") -> Record:
    protocol = load_catalog().protocol(UPERNET)
    return make_record(
        profile="paper",
        recipe={"name": "mae", "algorithm": "mae", "display": "MAE", "backbone": backbone},
        protocol={
            "name": protocol.name,
            "task": protocol.task,
            "family": protocol.family,
            "display": protocol.display,
            "main_metric": protocol.main_metric,
        },
        metrics={"val/mIoU": 0.47, "novel/mIoU": 0.3},
        data={"id": data},
        seed=seed,
    )


def number(**fields: object) -> Published:
    known = {
        "family": "f", "backbone": "b", "data": "d", "metric": "mIoU", "method": "M", "variant": "",
        "pretrain_epochs": None, "batch_size": None, "percent": 50.0,
        "source_kind": "reproduction", "source": "s", "protocol": "p",
    }  # fmt: skip
    return Published.model_validate({**known, **fields})


def test_every_number_belongs_to_a_protocol_here() -> None:
    protocols = load_catalog().protocols.values()
    there = {(p.family, p.backbone, p.data) for p in protocols if "paper" in p.profiles}
    found = load_published()
    assert found
    strays = {(n.family, n.backbone, n.data) for n in found} - there
    assert not strays
    assert {n.metric for n in found} <= METRICS.keys()
    assert not any("mrcl" in n.method.lower() for n in found), "none of the paper is known"


def test_numbers_are_gathered_by_pretraining() -> None:
    found = entries(
        "b",
        [("f", "d")],
        [
            number(pretrain_epochs=1000),
            number(pretrain_epochs=200, percent=49.0),
            number(pretrain_epochs=200, percent=51.0, source="other"),
            number(variant="12 heads"),
            number(backbone="another"),
            number(family="another"),
            number(data="another"),
        ],
    )
    assert [entry.label for entry in found] == ["M, 12 heads", "M, 200 e", "M, 1000 e"]
    assert [n.percent for n in found[1].numbers["f", "mIoU"]] == [49.0, 51.0]


def test_rows_are_marked_and_name_their_sources() -> None:
    records = [measured()]
    (view,) = profile_views("paper", records, with_published=True)["segmentation"]
    shown = markdown.render([view])
    row = next(line for line in shown.splitlines() if "48.1" in line)
    assert row.startswith("| MAE ‡ ")
    assert [cell.strip() for cell in row.strip("|").split("|")][2:] == [""], "not under novel"
    assert "| *published*" in shown
    assert "configs/mae/metafile.yaml, reproduction by others" in shown.replace("\\", "")
    assert "never ranked" in shown
    out = io.StringIO()
    terminal.show([view], Console(file=out, width=80, highlight=False))
    assert "48.1" in out.getvalue()
    assert max(map(len, out.getvalue().splitlines())) <= 80


def test_no_published_number_is_ranked_or_written() -> None:
    records = [measured()]
    plain = render_tables("paper", records)
    assert not any("published" in text or "48.1" in text for text in plain.values())
    shown = profile_views("paper", records, with_published=True)
    assert all(not row.published for view in shown["summary"] for row in view.rows)
    published = [row for view in shown["segmentation"] for row in view.rows if row.published]
    assert published
    assert all(cell.kind == "published" for row in published for cell in row.cells)


@pytest.mark.parametrize("other", [{"backbone": "vit-128x4"}, {"data": "ade20k-mine"}])
def test_another_backbone_or_data_set_has_none(other: dict[str, str]) -> None:
    (view,) = profile_views("paper", [measured(**other)], with_published=True)["segmentation"]
    assert not any(row.published for row in view.rows)
    assert any("No published number" in note for note in view.notes)


def test_a_disagreement_is_a_range() -> None:
    from mrcl_bench.report.published import _shown

    sources: dict[str, int] = {}
    found = [number(percent=51.1), number(percent=51.6, source="t"), number(percent=51.3)]
    assert _shown(found, METRICS["bbox_mAP"], sources) == "51.1–51.6 [1, 2]"
    assert _shown([number(percent=51.62)], METRICS["bbox_mAP"], sources) == "51.6 [1]"


def test_csv_tells_them_apart(tmp_path: Path) -> None:
    save(tmp_path, measured())
    result = CliRunner().invoke(
        app, ["compare", str(tmp_path / "results"), "--format", "csv", "--published", "--no-write"]
    )
    assert result.exit_code == 0, result.output
    table = pd.read_csv(io.StringIO(result.stdout))
    published = table[table.state == "published"]
    assert len(published) == len(csv_rows(build([measured()])[0])) > 0
    assert published["mean"].between(0, 1).all()
    assert published.reason.str.contains("reproduction|repository|paper").all()
    assert set(table[table.state != "published"].recipe) == {"mae"}
