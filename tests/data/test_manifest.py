"""Manifests: what is missing or changed is found, all in one pass."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from mrcl_bench.data.manifest import read_manifest, verify
from mrcl_bench.errors import BenchError


@pytest.fixture
def copy(micro: Path, tmp_path: Path) -> Path:
    """A micro set of one's own."""
    return Path(shutil.copytree(micro, tmp_path / "stamps-micro"))


def test_intact(micro: Path) -> None:
    assert verify(micro) == read_manifest(micro)
    subprocess.run(["sha256sum", "--quiet", "-c", "checksums.txt"], cwd=micro, check=True)


def test_names_everything_at_once(copy: Path) -> None:
    (copy / "pretrain/00003.png").unlink()
    (copy / "pretrain/00004.png").write_bytes(b"")
    (copy / "pretrain/extra.png").write_bytes(b"x")
    (copy / "detection/classes.json").write_text("{}")
    with pytest.raises(BenchError) as caught:
        verify(copy)
    for line in (
        "missing: pretrain/00003.png",
        "changed: pretrain/00004.png",
        "changed: detection/classes.json",
        "not ours: pretrain/extra.png",
    ):
        assert line in caught.value.what
    assert "mrcl-bench data stamps --size micro --force" in caught.value.cure


def test_changed_checksums(copy: Path) -> None:
    path = copy / "checksums.txt"
    path.write_text("\n".join(path.read_text().splitlines()[1:]) + "\n")
    with pytest.raises(BenchError, match="changed: checksums.txt"):
        verify(copy)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"schema": 99}', '{"schema": 1, "splits": 3}']
)
def test_corrupt(copy: Path, text: str) -> None:
    (copy / "manifest.json").write_text(text)
    with pytest.raises(BenchError, match="mrcl-bench data stamps"):
        read_manifest(copy)


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="mrcl-bench data stamps") as caught:
        read_manifest(tmp_path / "stamps")
    assert "there is no data set" in caught.value.what
    with pytest.raises(BenchError, match="mrcl-bench data fashion-mnist"):
        read_manifest(tmp_path / "fashion-mnist")
