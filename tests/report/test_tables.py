from __future__ import annotations

import io
import math
import os
from pathlib import Path

import pandas as pd
import pytest
import typer
from rich.cells import cell_len
from rich.console import Console
from typer.testing import CliRunner

from mrcl_bench.cli.compare import compare
from mrcl_bench.cli.ls import ls
from mrcl_bench.errors import BenchError
from mrcl_bench.report import render_tables, terminal, write_tables
from mrcl_bench.report.tables import profile_views
from tests.factories import example, make_record, save, seeds

GOLDEN = Path(__file__).parents[1] / "golden"
app = typer.Typer()
app.command()(compare)
app.command()(ls)


def printed(records: list, width: int = 80) -> str:  # type: ignore[type-arg]
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False)
    for views in profile_views("tiny", records).values():
        terminal.show(views, console)
    return out.getvalue()


@pytest.mark.parametrize(
    "name", ["classification", "detection", "segmentation", "cost", "summary", "comparisons"]
)
def test_golden_markdown(name: str) -> None:
    """Set MRCL_BENCH_GOLDEN=1 to write the golden tables anew, then read the diff."""
    text = render_tables("tiny", example())[f"{name}.md"]
    path = GOLDEN / f"{name}.md"
    if os.environ.get("MRCL_BENCH_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text()


def test_golden_terminal() -> None:
    text = "".join(line.rstrip() + "\n" for line in printed(example()).splitlines())
    path = GOLDEN / "terminal-80.txt"
    if os.environ.get("MRCL_BENCH_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize("width", [46, 80, 90, 100, 110, 120])
def test_terminal_fits_and_cuts_no_number(width: int) -> None:
    text = printed(example(), width)
    assert max(cell_len(line) for line in text.splitlines()) <= width
    assert "…" not in text
    for shown in ("84.0 ±0.6 *", "83.5 ±0.7 ≈", "78.7 ±0.6 2/3", "diverged", "†", "50.6 ±0.6 *"):
        assert shown in text


def test_csv_keeps_full_precision() -> None:
    values = [1 / 3, 2 / 3, 0.1234567890123456]
    mean = math.fsum(values) / 3
    records = seeds(values)
    text = render_tables("tiny", records)["classification.csv"]
    frame = pd.read_csv(io.StringIO(text), float_precision="round_trip")
    assert frame["mean"][0] == mean
    assert frame["n"][0] == frame["expected"][0] == 3
    assert len(frame["protocol_sha"][0]) == len(frame["data_sha"][0]) == 64


def test_csv_tells_every_state() -> None:
    texts = render_tables("tiny", example())
    frames = [pd.read_csv(io.StringIO(texts[f"{t}.csv"])) for t in ("classification", "detection")]
    frame = pd.concat([*frames, pd.read_csv(io.StringIO(texts["segmentation.csv"]))])
    assert set(frame["state"]) == {"measured", "partial", "failed", "missing", "apart"}
    assert frame[frame["state"] == "missing"]["mean"].isna().all()
    assert "diverged" in frame[frame["state"] == "failed"]["reason"].iloc[0]


def test_mean_rank_with_a_hole_is_a_dash_with_counts() -> None:
    assert "— 1/4" in render_tables("tiny", example())["summary.md"]
    whole = [r for r in example() if r.protocol.name == "vit-t6_knn_stamps"]
    summary = render_tables("tiny", whole)["summary.md"]
    assert "1.0" in summary and "1/1" not in summary


def test_single_seed_caption() -> None:
    text = render_tables("tiny", [*seeds([0.5]), *seeds([0.4], recipe="mae_vit-t6_tiny")])
    table = text["classification.md"]
    assert "Single seed: no spread known" in table
    assert "**50.0**" in table and "±0" not in table


def test_shapes_fallback_and_unequal_budgets_are_said() -> None:
    records = [
        make_record(data={"shapes_fallback": True}),
        make_record(
            recipe="mae_vit-t6_tiny",
            data={"shapes_fallback": True},
            pretrain_cost={"images_seen": 80000},
        ),
    ]
    texts = render_tables("tiny", records)
    assert "drawn shapes stood in for photographs" in texts["classification.md"]
    assert "Budgets differ" in texts["cost.md"]


def test_rendering_is_deterministic() -> None:
    assert render_tables("tiny", example()) == render_tables("tiny", example()[::-1])


def test_write_tables_removes_what_has_gone(tmp_path: Path) -> None:
    paths = save(tmp_path, *example())
    written = write_tables(tmp_path / "results", "tiny")
    assert {p.name for p in written} == {
        p.name for p in (tmp_path / "results/tables/tiny").iterdir()
    }
    assert (tmp_path / "results/tables/tiny/detection.md").read_text() == (
        GOLDEN / "detection.md"
    ).read_text()
    for path in paths:
        if "mask-rcnn" in str(path):
            path.unlink()
    write_tables(tmp_path / "results", "tiny")
    assert not (tmp_path / "results/tables/tiny/detection.md").exists()


def test_bad_record_blocks_writing(tmp_path: Path) -> None:
    *_, path = save(tmp_path, *seeds([0.5, 0.6]))
    path.write_text("{")
    with pytest.raises(BenchError, match="seed1.json"):
        write_tables(tmp_path / "results", "tiny")


def test_command_shows_the_table_names_the_bad_file_and_exits_1(tmp_path: Path) -> None:
    *_, path = save(tmp_path, *seeds([0.5, 0.6, 0.7]))
    path.write_text("{")
    for command in ("compare", "ls"):
        result = CliRunner().invoke(app, [command, str(tmp_path / "results")])
        assert result.exit_code == 1
        assert "MRCL" in result.output or "mrcl" in result.output
        assert "seed2.json" in result.output and "1 record file left out" in result.output
    assert not (tmp_path / "results/tables").exists()


@pytest.mark.parametrize("format", ["terminal", "markdown", "csv"])
def test_command_formats(tmp_path: Path, format: str) -> None:
    save(tmp_path, *example())
    arguments = ["compare", str(tmp_path / "results"), "--format", format, "--no-write"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "mrcl_vit-t6_tiny" in result.output if format == "csv" else "84.0 ±0.6" in result.output
    assert not (tmp_path / "results/tables").exists()


def test_ls_lists_every_record(tmp_path: Path) -> None:
    save(tmp_path, *example())
    result = CliRunner().invoke(app, ["ls", str(tmp_path / "results")])
    assert result.exit_code == 0
    assert result.output.count(".json") == len(example())
    assert "failed: memory" in result.output and "75.0 top-1 %" in result.output


def test_columns_from_different_checkpoints_are_said() -> None:
    again = make_record(protocol="vit-t6_knn_stamps", checkpoint={"sha256": "again"})
    summary = render_tables("tiny", [make_record(), again])["summary.md"]
    assert "MRCL: its columns come from different checkpoints" in summary
    assert "different checkpoints" not in render_tables("tiny", example())["summary.md"]
