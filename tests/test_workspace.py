"""Paths of the workspace, and the two variables that move them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mrcl_bench.workspace import Workspace


def test_default_is_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MRCL_BENCH_ROOT", raising=False)
    monkeypatch.delenv("MRCL_BENCH_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    assert Workspace.current().root == tmp_path.resolve()
    assert Workspace.current().data == tmp_path.resolve() / "data"
    assert list(tmp_path.iterdir()) == []


def test_variables_move_root_and_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MRCL_BENCH_ROOT", str(tmp_path / "here"))
    assert Workspace.current().data == (tmp_path / "here/data").resolve()
    monkeypatch.setenv("MRCL_BENCH_DATA", str(tmp_path / "there"))
    assert Workspace.current().data == (tmp_path / "there").resolve()
    assert Workspace.current().results == (tmp_path / "here/results").resolve()


def test_the_path_of_a_record_is_its_identity(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    path = workspace.record_path("tiny", "mrcl_x", "linear_y", 3)
    assert path == tmp_path / "results/records/tiny/mrcl_x/linear_y/seed3.json"
    others = {
        workspace.record_path(*identity)
        for identity in (
            ("small", "mrcl_x", "linear_y", 3),
            ("tiny", "mrcl_z", "linear_y", 3),
            ("tiny", "mrcl_x", "linear_z", 3),
            ("tiny", "mrcl_x", "linear_y", 4),
        )
    }
    assert len(others | {path}) == 5
    assert workspace.checkpoint_dir("tiny", "r") == tmp_path / "checkpoints/tiny/r"
    assert workspace.tables("tiny") == tmp_path / "results/tables/tiny"
