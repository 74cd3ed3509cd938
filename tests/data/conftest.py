"""Data sets of drawn shapes, made once for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from mrcl_bench.data.shapes import load_shapes
from mrcl_bench.data.source import Source
from mrcl_bench.data.stamps import MICRO, make_stamps


@pytest.fixture(scope="session")
def shapes() -> Source:
    """Drawn cut-outs and backgrounds."""
    return load_shapes()


@pytest.fixture(scope="session")
def micro(tmp_path_factory: pytest.TempPathFactory, shapes: Source) -> Path:
    """A micro set of drawn shapes; tests only read it."""
    out = tmp_path_factory.mktemp("data") / "stamps-micro"
    make_stamps(out, sizes=MICRO, cutouts=shapes)
    return out


@pytest.fixture(scope="session")
def miniature(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with all public sets in miniature; tests only read it."""
    from mrcl_bench.data.miniature import make_miniature

    root = tmp_path_factory.mktemp("miniature") / "data"
    make_miniature(root)
    return root
