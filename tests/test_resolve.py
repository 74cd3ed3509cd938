"""A config's hash follows what is computed, not where or how; relocation moves data paths only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mrcl_bench.errors import EXIT_USAGE, BenchError
from mrcl_bench.resolve import config_sha256, load_config, relocate

pytest.importorskip("mmengine")

BASE = "optimizer = dict(lr=0.1)\n"
CONFIG = """_base_ = ["./base.py"]
bench = dict(kind="recipe", display="A", seeds=1, adapter="knn", main_metric="val/accuracy")
work_dir = "here"
load_from = None
train = dict(data_root="data/stamps", pipeline=[dict(type="Load"), dict(type="Flip", prob=0.5)])
"""


def _hash(folder: Path, config: str = CONFIG, base: str = BASE) -> str:
    folder.mkdir(exist_ok=True)
    (folder / "base.py").write_text(base)
    (folder / "config.py").write_text(config)
    return config_sha256(load_config(folder / "config.py"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("data/stamps", "/elsewhere/stamps"),
        ('work_dir = "here"', 'work_dir = "there"'),
        ("load_from = None", 'load_from = "weights.pth"'),
        ('display="A"', 'display="B"'),
        ("seeds=1", "seeds=9"),
        ("dict(type=", "dict(  type="),
        ("bench =", "# a remark\nbench ="),
    ],
)
def test_does_not_depend_on(tmp_path: Path, old: str, new: str) -> None:
    assert old in CONFIG
    assert _hash(tmp_path, CONFIG.replace(old, new)) == _hash(tmp_path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("prob=0.5", "prob=0.4"),
        ('dict(type="Load"), ', ""),
        ('adapter="knn"', 'adapter="linear"'),
        ("val/accuracy", "novel/accuracy"),
        ("train = dict(", "optimizer = dict(lr=0.2)\ntrain = dict("),
    ],
)
def test_depends_on(tmp_path: Path, old: str, new: str) -> None:
    assert old in CONFIG
    assert _hash(tmp_path, CONFIG.replace(old, new)) != _hash(tmp_path)


def test_depends_on_the_base_file(tmp_path: Path) -> None:
    assert _hash(tmp_path, base="optimizer = dict(lr=0.2)\n") != _hash(tmp_path)


def test_does_not_depend_on_the_folder_or_the_order(tmp_path: Path) -> None:
    assert _hash(tmp_path / "a") == _hash(tmp_path / "b")
    lines = CONFIG.splitlines()
    assert _hash(tmp_path, "\n".join([lines[0], *reversed(lines[1:])])) == _hash(tmp_path)


def test_relocation_does_not_change_the_hash(tmp_path: Path) -> None:
    _hash(tmp_path)
    config = load_config(tmp_path / "config.py")
    before = config_sha256(config)
    relocate(config, Path("/big/disk"))
    assert config.train.data_root == "/big/disk/stamps"
    assert config_sha256(config) == before


def test_relocate_moves_leading_data_only(tmp_path: Path) -> None:
    (tmp_path / "c.py").write_text(
        "a = dict(x='data/stamps/a.json', y=['data/b', ('data/c', 1)], z='my/data/d')\n"
        "b = 'database'\n"
    )
    config: Any = load_config(tmp_path / "c.py")
    relocate(config, Path("/disk"))
    assert config.a.x == "/disk/stamps/a.json"
    assert config.a.y[0] == "/disk/b"
    assert list(config.a.y[1]) == ["/disk/c", 1]
    assert (config.a.z, config.b) == ("my/data/d", "database")


@pytest.mark.parametrize(
    "text", ["1 / 0\n", "_base_ = ['./gone.py']\n", "raise KeyError(3)\n", "a = (\n"]
)
def test_a_config_that_does_not_load(tmp_path: Path, text: str) -> None:
    (tmp_path / "broken.py").write_text(text)
    with pytest.raises(BenchError, match=r"broken\.py does not load") as caught:
        load_config(tmp_path / "broken.py")
    assert caught.value.exit_code == EXIT_USAGE
    assert "\n" not in caught.value.what


def test_configs_are_written_out_without_yapf(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """mmengine writes a run's config four times, which takes yapf a quarter of a second."""
    from yapf.yapflib import yapf_api

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("formatted")

    monkeypatch.setattr(yapf_api, "FormatCode", refuse)
    _hash(tmp_path)
    config = load_config(tmp_path / "config.py")
    config.dump(tmp_path / "written.py")
    assert load_config(tmp_path / "written.py").to_dict() == config.to_dict()
