"""``mrcl-bench data``: short output, and no heavy import for help."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mrcl_bench.cli.data import app


def test_make_and_verify(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MRCL_BENCH_DATA", "d")
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    made = runner.invoke(app, ["stamps", "--source", "shapes", "--size", "micro"])
    assert made.exit_code == 0, made.output
    assert "sha256" in made.stdout
    assert "drawn shapes" in made.stdout
    short = [line for line in made.stdout.splitlines() if str(tmp_path) not in line]
    assert max(map(len, short)) <= 80
    assert runner.invoke(app, ["verify", "stamps-micro"]).exit_code == 0
    (tmp_path / "d/stamps-micro/pretrain/00000.png").unlink()
    assert runner.invoke(app, ["verify", "stamps-micro"]).exit_code != 0


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from mrcl_bench.cli import data; import mrcl_bench.data.locate;"
        "print([m for m in ('cv2', 'numpy', 'torch', 'PIL') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
