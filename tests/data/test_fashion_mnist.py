"""Fashion-MNIST: the reader, and the set where its package is cached."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from mrcl_bench.data import debian, fashion_mnist
from mrcl_bench.data.manifest import verify
from mrcl_bench.errors import BenchError
from mrcl_bench.workspace import Workspace


def test_reads_idx(tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, *range(6)])))
    np.testing.assert_array_equal(fashion_mnist.read_idx(path), [[0, 1, 2], [3, 4, 5]])


@pytest.mark.parametrize("content", [b"", b"no gzip", gzip.compress(b"\0\0\x08\x01\0\0\0\x09a")])
def test_damaged_idx(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(content)
    with pytest.raises(BenchError, match="cannot be read"):
        fashion_mnist.read_idx(path)


def test_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = Workspace.current().data / ".cache"
    if not debian.available() or not any(cache.glob(f"{debian.FASHION_MNIST.name}_*.deb")):
        pytest.skip(f"no package in {cache}; make it with: mrcl-bench data fashion-mnist")
    monkeypatch.setattr(fashion_mnist, "COUNTS", {"train": 100, "val": 50})
    (tmp_path / ".cache").symlink_to(cache, target_is_directory=True)
    manifest = fashion_mnist.make_fashion_mnist(tmp_path / "fashion-mnist")
    assert {name: split.count for name, split in manifest.splits.items()} == {
        "train": 100,
        "val": 50,
    }
    assert len(list((tmp_path / "fashion-mnist/val/bag").iterdir())) == 5
    assert verify(tmp_path / "fashion-mnist") == manifest
    assert fashion_mnist.make_fashion_mnist(tmp_path / "fashion-mnist") == manifest
