"""Side pictures: small, written whole or not at all, and never a reason to lose a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mrcl_bench.thumbnails import SIDE, keep, small

pytest.importorskip("cv2")


def test_an_error_is_told_and_goes_no_further(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "samples.npz"
    path.write_bytes(b"of an earlier run")

    def fail() -> dict[str, object]:
        raise ValueError("no picture")

    keep(path, fail)
    assert not path.exists()
    assert "ValueError: no picture" in capsys.readouterr().err
    keep(path, lambda: None)
    assert not path.exists()
    keep(path, lambda: {"a": np.arange(3)})
    with np.load(path) as stored:
        assert stored["a"].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((48, 40, 3), (48, 40, 3)),
        ((SIDE, SIDE), (SIDE, SIDE)),
        ((480, 240, 3), (SIDE, SIDE // 2, 3)),
        ((10, 4000), (1, SIDE)),
    ],
)
def test_no_side_is_longer_than_said(shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    image = np.full(shape, 200, dtype=np.uint8)
    assert small(image).shape == expected
    assert (small(image) == 200).all()
