"""A broken picture stops a run and is named; none is read as far as it goes, or replaced."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("mmpretrain")

from mmcv.transforms import LoadAnnotations, LoadImageFromFile  # noqa: E402
from PIL import Image  # noqa: E402

from mrcl_bench.engine import whole_images  # noqa: E402
from mrcl_bench.engine.capture import classify  # noqa: E402
from mrcl_bench.engine.whole_images import BrokenImage, refuse_broken_images  # noqa: E402
from mrcl_bench.engine.whole_images import _strict as _strict_reader  # noqa: E402
from mrcl_bench.errors import BenchError  # noqa: E402

from ..jobs.conftest import Bench, bench  # noqa: E402, F401


@pytest.fixture(autouse=True)
def _installed() -> None:
    refuse_broken_images()
    refuse_broken_images()  # twice is once


@pytest.fixture(params=[".jpg", ".png"])
def whole(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A picture with content in every corner."""
    pixels = np.random.default_rng(0).integers(0, 255, (64, 80, 3), dtype=np.uint8)
    path = tmp_path / f"picture{request.param}"
    Image.fromarray(pixels).save(path)
    return path


def _read(path: Path) -> Any:
    return LoadImageFromFile().transform({"img_path": str(path)})["img"]


def test_a_whole_picture_is_what_it_was(whole: Path) -> None:
    import cv2

    assert (_read(whole) == cv2.imread(str(whole))).all()
    whole.write_bytes(whole.read_bytes() + b"\0" * 5000)  # after the end mark comes nothing
    assert _read(whole).shape == (64, 80, 3)


def _half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _nearly(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-700])


DAMAGE: dict[str, Callable[[Path], object]] = {
    "half": _half,
    "nearly whole": _nearly,
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("not a picture\n" * 20),
    "page": lambda path: path.write_text("<!DOCTYPE html><html>Sign in</html>"),
    "missing": lambda path: path.unlink(),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_broken_picture_is_named(whole: Path, kind: str) -> None:
    DAMAGE[kind](whole)
    with pytest.raises(BrokenImage) as caught:
        _read(whole)
    assert str(whole) in caught.value.what
    assert "data check" in caught.value.cure


def test_a_broken_label_map_is_named(tmp_path: Path) -> None:
    mmseg = pytest.importorskip("mmseg.datasets.transforms")
    path = tmp_path / "map.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 9, (64, 64), dtype=np.uint8)).save(path)
    given = {"seg_map_path": str(path), "reduce_zero_label": False, "seg_fields": []}
    assert mmseg.LoadAnnotations().transform(dict(given))["gt_seg_map"].shape == (64, 64)
    _half(path)
    with pytest.raises(BrokenImage, match="map.png"):
        mmseg.LoadAnnotations().transform({**given, "seg_fields": []})


class _Pictures:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Any:
        return _read(self.path)


def test_a_loaders_process_hands_the_name_on(whole: Path) -> None:
    from torch.utils.data import DataLoader

    _half(whole)
    with pytest.raises(BenchError) as caught:
        next(iter(DataLoader(_Pictures(whole), num_workers=1)))  # type: ignore[arg-type]
    failure = classify(caught.value)
    assert failure.message.startswith(f"broken image {whole}: ")
    assert "Traceback" not in failure.message and len(failure.message) < 600


def test_a_job_stops_and_its_record_names_the_picture(
    bench: Bench,  # noqa: F811
    micro_root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = tmp_path / "data"
    shutil.copytree(micro_root, data)
    monkeypatch.setenv("MRCL_BENCH_DATA", str(data))
    asked: list[None] = []  # the fixture above did it for this process; a worker must itself
    monkeypatch.setattr(whole_images, "refuse_broken_images", lambda: asked.append(None))
    broken = sorted((data / "stamps-micro/classification/val").rglob("*.*g"))[0]
    _half(broken)
    (record,) = bench.run("knn")
    assert asked
    assert record.status == "failed" and record.metrics == {}
    assert record.failure is not None and str(broken) in record.failure.message
    assert not list(bench.workspace.runs.rglob("features/*.npz"))


def test_half_is_refused_whatever_the_decoder_thinks_of_it(whole: Path) -> None:
    lenient = _strict_reader(lambda content: content)
    assert lenient(whole.read_bytes()) == whole.read_bytes()
    _half(whole)
    with pytest.raises(ValueError, match=r"truncated|broken|incomplete"):
        lenient(whole.read_bytes())


def test_readers_of_label_maps_that_come_later_name_a_broken_one(tmp_path: Path) -> None:
    """As mmseg's does, which is imported only where a config asks for it."""

    class Own(LoadAnnotations):
        def _load_seg_map(self, results: dict[str, Any]) -> None:
            raise ValueError("half a file")

    class Below(Own):
        pass

    for reader in (Own(), Below()):
        with pytest.raises(BrokenImage, match=r"broken image some/map\.png: half a file"):
            reader._load_seg_map({"seg_map_path": "some/map.png"})
