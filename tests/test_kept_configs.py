"""Resolved configs are kept under the hash that records name."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from mrcl_bench.catalog import load_catalog
from mrcl_bench.errors import BenchError
from mrcl_bench.kept_configs import find, keep, read
from mrcl_bench.resolve import config_sha256, load_config
from tools.keep_configs import wanted

ROOT = Path(__file__).resolve().parent.parent
CONFIG = {"model": {"depth": 4}, "work_dir": "here", "bench": {"adapter": "knn", "display": "x"}}


def test_the_file_is_what_its_name_hashes(tmp_path: Path) -> None:
    sha256 = keep(CONFIG, tmp_path)
    assert sha256 == config_sha256(CONFIG)
    text = (tmp_path / f"{sha256}.json").read_bytes()
    assert hashlib.sha256(text).hexdigest() == sha256
    assert read(tmp_path, sha256) == {"model": {"depth": 4}, "bench": {"adapter": "knn"}}


def test_keeping_twice_writes_once_and_mends_damage(tmp_path: Path) -> None:
    sha256 = keep(CONFIG, tmp_path)
    path = tmp_path / f"{sha256}.json"
    before = path.stat().st_mtime_ns
    keep(CONFIG, tmp_path)
    assert path.stat().st_mtime_ns == before
    path.write_text("{}")
    with pytest.raises(BenchError, match="was changed"):
        read(tmp_path, sha256)
    keep(CONFIG, tmp_path)
    assert read(tmp_path, sha256) is not None


def test_what_was_not_kept_comes_from_todays_file_if_it_has_the_hash(tmp_path: Path) -> None:
    pytest.importorskip("mmengine")
    path = tmp_path / "a.py"
    path.write_text("model = dict(depth=4)\n")
    sha256 = config_sha256(load_config(path))
    found = find(tmp_path / "configs", sha256, [path])
    assert found.config == {"bench": {}, "model": {"depth": 4}}
    assert "a.py of today has this hash" in found.origin
    path.write_text("model = dict(depth=5)\n")
    changed = find(tmp_path / "configs", sha256, [path])
    assert changed.config is None and "a.py was changed since" in changed.origin
    nothing = find(tmp_path / "configs", sha256, [tmp_path / "b.py"])
    assert nothing.config is None and "no config of that name" in nothing.origin


def test_committed_records_have_their_configs() -> None:
    """Every config of a committed record that still is in mm_configs is kept, under its hash."""
    pytest.importorskip("mmengine")
    catalog = load_catalog()
    specs = {**catalog.recipes, **catalog.protocols}
    seen = 0
    for name, sha256 in wanted(ROOT / "results"):
        if name in specs and config_sha256(load_config(specs[name].path)) == sha256:
            assert read(ROOT / "results/configs", sha256) is not None, (
                f"{name}: run tools/keep_configs.py"
            )
            seen += 1
    assert seen > 0


def test_every_committed_config_is_named_by_a_record() -> None:
    named = {sha256 for _, sha256 in wanted(ROOT / "results")}
    there = {path.stem for path in (ROOT / "results/configs").glob("*.json")}
    assert there and there <= named
    for sha256 in there:
        assert read(ROOT / "results/configs", sha256) is not None
