"""`data check` on damaged miniatures: everything is found in one pass, and named."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mrcl_bench.data.check import SETS, Report, check

ROOTS = {
    "imagenet": "imagenet",
    "coco": "coco",
    "voc": "VOCdevkit",
    "ade20k": "ade/ADEChallengeData2016",
    "cityscapes": "cityscapes",
}


@pytest.fixture
def copy(miniature: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Copies one set (and the mark of a miniature) to where it may be damaged."""

    def make(name: str) -> Path:
        shutil.copytree(miniature / ROOTS[name], tmp_path / ROOTS[name])
        for file in ("manifest.json", "checksums.txt"):
            shutil.copy(miniature / file, tmp_path / file)
        return tmp_path / ROOTS[name]

    return make


def kinds(report: Report) -> dict[str, str]:
    """File to kind of every finding."""
    return {finding.where: finding.kind for finding in report.findings}


def only(report: Report, kind: str) -> list[str]:
    return [finding.where for finding in report.findings if finding.kind == kind]


@pytest.mark.parametrize("name", SETS)
def test_a_whole_set_has_no_fault(name: str, miniature: Path) -> None:
    report = check(name, miniature)
    assert report.faults == []
    assert report.pictures > 0


@pytest.mark.parametrize("name", SETS)
def test_numbers_count_unless_it_is_a_miniature(name: str, copy: Any, tmp_path: Path) -> None:
    copy(name)
    (tmp_path / "manifest.json").unlink()
    found = {finding.kind for finding in check(name, tmp_path).faults}
    assert found == {"wrong number"}


def test_damaged_pictures_are_all_listed_in_one_pass(copy: Any, tmp_path: Path) -> None:
    folder = copy("coco") / "train2017"
    files = sorted(folder.iterdir())
    whole = files[0].read_bytes()
    files[0].write_bytes(whole[: len(whole) * 2 // 3])
    files[1].write_bytes(b"")
    files[2].write_text("404: not found\n")
    files[3].write_text("<!DOCTYPE html><html>Please log in</html>")
    files[4].unlink()
    turned = Image.open(files[5])
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(files[5], exif=exif)
    Image.open(files[6]).resize((64, 64)).save(files[6])
    report = check("coco", tmp_path)
    found = kinds(report)
    assert {path.name: found.get(f"train2017/{path.name}") for path in files[:7]} == {
        files[0].name: "truncated",
        files[1].name: "empty",
        files[2].name: "unreadable",
        files[3].name: "unreadable",
        files[4].name: "missing",
        files[5].name: "EXIF-rotated",
        files[6].name: "wrong size",
    }
    assert len(report.faults) == 6, "a turned picture is noted, no fault"
    page = next(f for f in report.findings if f.where.endswith(files[3].name))
    assert "HTML" in page.what


def test_fast_does_not_decode(copy: Any, tmp_path: Path) -> None:
    file = sorted((copy("coco") / "val2017").iterdir())[0]
    file.write_bytes(file.read_bytes()[:-2000])
    assert check("coco", tmp_path, fast=True).faults == []
    assert only(check("coco", tmp_path), "truncated") == [f"val2017/{file.name}"]


def test_coco_entries_that_are_wrong_are_named(copy: Any, tmp_path: Path) -> None:
    file = copy("coco") / "annotations/instances_train2017.json"
    content = json.loads(file.read_text())
    entries, images = content["annotations"], content["images"]
    content["categories"][0]["name"] = "human"
    entries[1]["id"] = entries[0]["id"]
    entries[2]["bbox"] = [float("nan"), 1, 2, 3]
    entries[3]["bbox"] = [1, 1, -5, 3]
    entries[4]["image_id"] = 424242
    entries[5]["bbox"] = [150, 100, 90, 10]
    entries[6]["category_id"] = 12
    entries[7]["segmentation"] = [[1, 1, 2, 2]]
    images.append({**images[0], "file_name": "another.jpg"})
    file.write_text(json.dumps(content))
    report = check("coco", tmp_path)
    name = "annotations/instances_train2017.json"
    numbers = [entry["id"] for entry in entries]
    assert {(f.kind, f.where) for f in report.faults} >= {
        ("class renamed", f"{name}: category 1"),
        ("id doubled", f"{name}: annotation {numbers[0]}"),
        ("bad box", f"{name}: annotation {numbers[2]}"),
        ("bad box", f"{name}: annotation {numbers[3]}"),
        ("orphan", f"{name}: annotation {numbers[4]}"),
        ("box outside", f"{name}: annotation {numbers[5]}"),
        ("unknown class", f"{name}: annotation {numbers[6]}"),
        ("bad mask", f"{name}: annotation {numbers[7]}"),
        ("id doubled", f"{name}: image {images[0]['id']}"),
    }
    assert "'human' instead of 'person'" in {f.what for f in report.faults}


def test_broken_json_does_not_end_the_check(copy: Any, tmp_path: Path) -> None:
    folder = copy("coco")
    (folder / "annotations/instances_train2017.json").write_text('{"images": [')
    sorted((folder / "val2017").iterdir())[0].unlink()
    assert {f.kind for f in check("coco", tmp_path).faults} == {"broken JSON", "missing"}


def test_ade20k_in_the_wrong_layout(copy: Any, tmp_path: Path) -> None:
    folder = copy("ade20k")
    (folder / "images/training").rename(folder / "images/train")
    report = check("ade20k", tmp_path)
    layout = [f.what for f in report.faults if f.kind == "layout"]
    assert len(layout) == 1 and "images/training" in layout[0]
    assert len(only(report, "missing")) == 6, "every label map there has lost its picture"


def test_ade20k_labels(copy: Any, tmp_path: Path) -> None:
    folder = copy("ade20k") / "annotations/training"
    maps = sorted(folder.iterdir())
    high = np.asarray(Image.open(maps[0])).copy()
    high[0, :3] = 151
    Image.fromarray(high).save(maps[0])
    Image.open(maps[1]).convert("RGB").save(maps[1])
    Image.open(maps[2]).resize((50, 50), Image.Resampling.NEAREST).save(maps[2])
    report = check("ade20k", tmp_path)
    assert [(f.kind, Path(f.where).name) for f in report.faults] == [
        ("label out of range", maps[0].name),
        ("wrong mode", maps[1].name),
        ("wrong size", maps[2].name),
    ]
    assert report.faults[0].what == "151 in 3 pixels"


def test_cityscapes_in_the_benchmarks_ids(copy: Any, tmp_path: Path) -> None:
    file = next((copy("cityscapes") / "gtFine/val").rglob("*_labelTrainIds.png"))
    wrong = np.asarray(Image.open(file)).copy()
    wrong[wrong == 255] = 33
    Image.fromarray(wrong).save(file)
    report = check("cityscapes", tmp_path)
    assert [f.kind for f in report.faults] == ["label out of range"]
    assert report.faults[0].what.startswith("33 in")


def test_voc_pages(copy: Any, tmp_path: Path) -> None:
    folder = copy("voc") / "VOC2007"
    pages = sorted((folder / "Annotations").iterdir())
    for page, old, new in (
        (pages[0], "<xmin>", "<xmin>9"),
        (pages[1], "<width>200", "<width>190"),
        (pages[2], "</annotation>", ""),
        (pages[3], "<name>", "<name>dragon "),
    ):
        page.write_text(page.read_text().replace(old, new, 1))
    (folder / "ImageSets/Main/test.txt").open("a").write("999999\n")
    report = check("voc", tmp_path)
    found = {(f.kind, f.where.split(":")[0].rsplit("/", 1)[-1]) for f in report.faults}
    assert ("bad box", pages[0].name) in found or ("box outside", pages[0].name) in found
    assert ("wrong size", pages[1].with_suffix(".jpg").name) in found
    assert ("broken XML", pages[2].name) in found
    assert ("unknown class", pages[3].name) in found
    assert ("missing", "999999.xml") in found and ("missing", "999999.jpg") in found


def test_imagenet_classes(copy: Any, tmp_path: Path) -> None:
    train = copy("imagenet") / "train"
    (train / "n01440764").rename(train / "n99999999")
    shutil.rmtree(train / "n01443537")
    (train / "n01443537").mkdir()
    (train / "n01484850" / "Thumbs.db").write_bytes(b"x")
    report = check("imagenet", tmp_path)
    assert {(f.kind, f.where, f.note) for f in report.findings if f.kind != "miniature"} == {
        ("layout", ".", False),
        ("unknown class", "train/n99999999", False),
        ("empty class", "train/n01443537", False),
        ("stray file", "train/n01484850/Thumbs.db", True),
    }


def test_command_line(copy: Any, tmp_path: Path, cli: Any) -> None:
    folder = copy("ade20k")
    good = cli("data", "check", "ade20k", MRCL_BENCH_DATA=tmp_path)
    assert good.returncode == 0, good.stderr
    for file in (folder / "images/training").iterdir():
        os.truncate(file, 0)
    bad = cli("data", "check", "ade20k", str(folder), "--report", "found.json")
    assert bad.returncode == 1
    assert "6 faults" in bad.stderr and "fault: empty: images/training/" in bad.stdout
    report = json.loads((tmp_path / "found.json").read_text())
    assert report["counts"]["empty"] == 6 and report["pictures"] == 20
    assert cli("data", "check", "lsun").returncode == 2


def test_command_line_caps_what_it_prints(copy: Any, tmp_path: Path, cli: Any) -> None:
    folder = copy("imagenet")
    for file in sorted((folder / "val").rglob("*.JPEG"))[:30]:
        file.write_text("gone")
    done = cli("data", "check", "imagenet", "--report", "all.json", MRCL_BENCH_DATA=tmp_path)
    assert done.stdout.count("fault:") == 20 and "and 11 more" in done.stdout
    assert len(json.loads((tmp_path / "all.json").read_text())["findings"]) == 31
