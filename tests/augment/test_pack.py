"""Packed pictures: the same pixels as without, and never those of an older file."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

cv2 = pytest.importorskip("cv2")
pytest.importorskip("simplejpeg")

from typer.testing import CliRunner  # noqa: E402

from mrcl_bench.augment import pack as packing  # noqa: E402
from mrcl_bench.augment.decode import decode  # noqa: E402
from mrcl_bench.augment.pack import check, pack, read_picture  # noqa: E402
from mrcl_bench.cli.data import app  # noqa: E402
from mrcl_bench.data.locate import require  # noqa: E402
from mrcl_bench.data.manifest import verify  # noqa: E402
from mrcl_bench.errors import BenchError  # noqa: E402


@pytest.fixture(autouse=True)
def fresh() -> Any:
    packing._pack_above.cache_clear()
    yield
    packing._pack_above.cache_clear()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Nine pictures of several sizes and kinds, in folders, some with odd names."""
    rng = np.random.default_rng(0)
    root = tmp_path / "own" / "train"
    for at, name in enumerate(
        ["a/1.jpg", "a/10.jpg", "a/2.JPEG", "b/ü.png", "b/c/z.jpg", "b-b/1.jpg", "b.jpg", "z.bmp"]
    ):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (20 + at, 31 - at, 3), dtype=np.uint8)
        path.write_bytes(cv2.imencode(path.suffix.lower(), pixels)[1].tobytes())
    shutil.copy(root / "b.jpg", root / "note.txt")
    return root


def pictures(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".txt"]


def decodings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Collects what is decoded from now on."""
    seen: list[int] = []

    def counted(data: bytes) -> Any:
        seen.append(hash(data))
        return decode(data)

    monkeypatch.setattr(packing, "decode", counted)
    return seen


def test_pixels_are_those_of_the_files_and_nothing_is_decoded(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = {path: read_picture(str(path)) for path in pictures(folder)}
    packing._pack_above.cache_clear()
    made = pack(folder, jobs=2)
    assert made.made and made.pictures == 8
    assert made.size == sum(picture.size for picture in plain.values())
    seen = decodings(monkeypatch)
    for path, expected in plain.items():
        found = read_picture(str(path))
        assert found.dtype == np.uint8 and found.flags.writeable
        assert np.array_equal(found, expected), path
    assert seen == []
    assert np.array_equal(read_picture(str(folder / "note.txt")), plain[folder / "b.jpg"])
    assert len(seen) == 1


def test_paths_may_be_relative_and_the_folder_a_part(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack(folder / "b")
    monkeypatch.chdir(folder.parent)
    seen = decodings(monkeypatch)
    read_picture("train/b/c/z.jpg")
    assert seen == []
    read_picture("train/b.jpg")
    assert seen == [hash(Path("train/b.jpg").read_bytes())]


@pytest.mark.parametrize("change", ["size", "time"])
def test_a_changed_file_is_decoded(
    folder: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    pack(folder)
    path = folder / "z.bmp"
    pixels = np.full((5, 5, 3) if change == "size" else read_picture(str(path)).shape, 7, np.uint8)
    before = path.stat()
    path.write_bytes(cv2.imencode(".bmp", pixels)[1].tobytes())
    assert (path.stat().st_size != before.st_size) == (change == "size")
    if change == "size":
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert np.array_equal(read_picture(str(path)), pixels)
    with pytest.raises(BenchError, match=r"1 files differ, z\.bmp"):
        check(folder)
    assert pack(folder).made
    seen = decodings(monkeypatch)
    assert np.array_equal(read_picture(str(path)), pixels) and seen == []
    assert check(folder).pictures == 8


@pytest.mark.parametrize("gone", ["about", "pixels"])
def test_without_a_whole_pack_files_are_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    made = pack(folder)
    for path in made.path.rglob("pack.json" if gone == "about" else "pixels.u8"):
        path.unlink()
    seen = decodings(monkeypatch)
    read_picture(str(folder / "b.jpg"))
    assert len(seen) == 1


def test_another_decoder_may_round_otherwise(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack(folder)
    monkeypatch.setattr(packing, "decoders", lambda: {"opencv": "9", "simplejpeg": "9"})
    seen = decodings(monkeypatch)
    read_picture(str(folder / "b.jpg"))
    assert len(seen) == 1
    with pytest.raises(BenchError, match="other decoders"):
        check(folder)
    assert pack(folder).made


def test_what_is_current_is_left_alone(folder: Path) -> None:
    first = pack(folder)
    files = {p: p.stat().st_mtime_ns for p in first.path.rglob("*") if p.name != "lock"}
    again = pack(folder)
    assert (again.made, again.pictures, again.size) == (False, 8, first.size)
    assert files == {p: p.stat().st_mtime_ns for p in first.path.rglob("*") if p.name != "lock"}


def test_a_new_pack_takes_the_old_one_s_place(folder: Path) -> None:
    first = pack(folder)
    (folder / "z.bmp").unlink()
    again = pack(folder)
    assert again.made and again.pictures == 7
    assert len([p for p in first.path.iterdir() if p.is_dir()]) == 1


def test_a_damaged_pack_is_found(folder: Path) -> None:
    made = pack(folder)
    (path,) = made.path.rglob("pixels.u8")
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    with pytest.raises(BenchError, match="not what was written"):
        check(folder)


def test_broken_pictures_are_all_told_and_nothing_is_left(folder: Path) -> None:
    whole = (folder / "a/1.jpg").read_bytes()
    (folder / "a/1.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "b/ü.png").write_bytes(b"<html>")
    with pytest.raises(BenchError, match=r"2 broken pictures.*a/1\.jpg.*b/ü\.png"):
        pack(folder)
    target = folder.with_name("train.packed")
    assert [path.name for path in target.rglob("*") if path.name != "lock"] == []


def test_what_does_not_fit_is_refused_before_it_begins(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type(shutil.disk_usage(folder))(10**6, 10**6 - 100, 100)
    monkeypatch.setattr(packing.shutil, "disk_usage", lambda path: usage)
    seen = decodings(monkeypatch)
    with pytest.raises(BenchError, match="GB are free"):
        pack(folder)
    assert seen == []


def test_the_identity_of_a_set_knows_no_packs(folder: Path) -> None:
    before = require("own:own", folder.parents[1]).sha256
    pack(folder)
    assert require("own:own", folder.parents[1]).sha256 == before


def test_own_sets_with_a_pack_are_as_they_were_made(tmp_path: Path) -> None:
    from mrcl_bench.data.shapes import load_shapes
    from mrcl_bench.data.stamps import MICRO, make_stamps

    make_stamps(tmp_path / "stamps-micro", sizes=MICRO, cutouts=load_shapes())
    pack(tmp_path / "stamps-micro" / "pretrain")
    verify(tmp_path / "stamps-micro")
    (tmp_path / "stamps-micro" / "other.txt").touch()
    with pytest.raises(BenchError, match=r"not ours: other\.txt"):
        verify(tmp_path / "stamps-micro")


def test_the_command(folder: Path) -> None:
    runner = CliRunner()
    made = runner.invoke(app, ["pack", str(folder)])
    assert made.exit_code == 0 and "8 pictures" in made.output and "made" in made.output
    assert "up to date" in runner.invoke(app, ["pack", str(folder), "-j", "1"]).output
    assert "as its files" in runner.invoke(app, ["pack", "--check", str(folder)]).output
    empty = folder.parent / "empty"
    empty.mkdir()
    assert isinstance(runner.invoke(app, ["pack", str(empty)]).exception, BenchError)
    assert isinstance(runner.invoke(app, ["pack", "--check", str(empty)]).exception, BenchError)
    missing = runner.invoke(app, ["pack", str(folder / "nowhere")])
    assert isinstance(missing.exception, BenchError) and not (folder / "nowhere.packed").exists()


def test_views_of_packed_pictures_are_the_same_bit_for_bit(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("numba")
    pytest.importorskip("mmcv")
    from mrcl_bench.augment.views import FusedMultiView

    steps = [
        {"type": "RandomResizedCrop", "scale": 16, "backend": "pillow"},
        {"type": "RandomFlip", "prob": 0.5},
        {"type": "ColorJitter", "brightness": 0.4, "contrast": 0.4, "saturation": 0.4, "hue": 0.1},
    ]
    fused = FusedMultiView([steps], 2)

    def views() -> list[Any]:
        np.random.seed(3)
        made = [fused({"img_path": str(path)}) for path in pictures(folder)]
        return [(one["ori_shape"], *one["img"]) for one in made]

    plain = views()
    packing._pack_above.cache_clear()
    pack(folder)
    seen = decodings(monkeypatch)
    for one, other in zip(plain, views(), strict=True):
        assert one[0] == other[0]
        assert all(np.array_equal(a, b) for a, b in zip(one[1:], other[1:], strict=True))
    assert seen == []
