"""Wrong labels stop everything before training starts, and all of them are told at once."""

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
from rich.console import Console

from mrcl_bench.data.check import preflight as module
from mrcl_bench.data.check.preflight import check_instances, preflight
from mrcl_bench.data.locate import require
from mrcl_bench.errors import BenchError

from ...toy import Toy

SETS = ("coco", "ade20k", "voc0712", "cityscapes")


@pytest.fixture
def root(miniature: Path, tmp_path: Path) -> Path:
    """The public sets in miniature, where they may be damaged."""
    shutil.copytree(miniature, tmp_path / "sets")
    return tmp_path / "sets"


def _edit(root: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = root / "coco/annotations/instances_val2017.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def _renamed(root: Path) -> None:
    _edit(root, lambda content: content["categories"][0].update(name="human"))


def _doubled(root: Path) -> None:
    _edit(root, lambda content: content["annotations"].append(content["annotations"][0]))


def _nan(root: Path) -> None:
    _edit(root, lambda content: content["annotations"][0].update(bbox=[1, 2, float("nan"), 4]))


def _orphan(root: Path) -> None:
    _edit(root, lambda content: content["annotations"][0].update(image_id=987654))


def _label(root: Path) -> None:
    path = sorted((root / "ade/ADEChallengeData2016/annotations/validation").glob("*.png"))[0]
    pixels = np.array(Image.open(path))
    pixels[0, 0] = 151
    Image.fromarray(pixels).save(path)


DAMAGE = {
    _renamed: ("coco", "class renamed", "'human' instead of 'person'"),
    _doubled: ("coco", "id doubled", "annotation"),
    _nan: ("coco", "bad box", "nan"),
    _orphan: ("coco", "orphan", "987654"),
    _label: ("ade20k", "label out of range", "151 in 1 pixels"),
}


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__[1:])
def test_what_is_wrong_is_named(
    root: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    name, kind, what = DAMAGE[damage]
    damage(root)
    with pytest.raises(BenchError) as caught:
        preflight(require(name, root), tmp_path / "passed")
    assert kind in caught.value.what and what in caught.value.what
    assert f"data check {name}" in caught.value.cure
    assert not (tmp_path / "passed").exists()


def test_everything_wrong_is_told_at_once(root: Path, tmp_path: Path) -> None:
    for damage in (_renamed, _doubled, _nan, _orphan):
        damage(root)
    with pytest.raises(BenchError) as caught:
        preflight(require("coco", root), tmp_path)
    for kind in ("class renamed", "id doubled", "bad box", "orphan"):
        assert kind in caught.value.what


@pytest.mark.parametrize("name", SETS)
def test_a_sound_set_is_read_once(
    root: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = require(name, root)
    preflight(data, tmp_path / "passed")
    real = module.Report
    calls: list[str] = []
    monkeypatch.setattr(module, "Report", lambda *a: (calls.append(name), real(*a))[1])
    preflight(data, tmp_path / "passed")
    assert not calls
    folder = data.path / module._CHECKS[name][1]
    label = next(p for p in sorted(folder.rglob("*")) if p.suffix in (".json", ".xml", ".png"))
    os.utime(label, ns=(1, 1))
    preflight(data, tmp_path / "passed")
    assert calls  # a label file was written since, even if its size is the same


def test_a_run_stops_before_anything_is_started(
    toy: Toy, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also before a pretraining that itself needs other data."""
    pytest.importorskip("mmengine")
    from mrcl_bench import run
    from mrcl_bench.run import MatrixRunner

    shutil.copytree(toy.root / "data/toy", root / "toy")
    monkeypatch.setenv("MRCL_BENCH_DATA", str(root))
    toy.edit("probe", 'data="own:toy"', 'data="coco"')
    toy.edit("tune", 'data="own:toy"', 'data="ade20k"')
    started: list[object] = []
    monkeypatch.setattr(run, "execute", lambda units, *_: started.extend(units))
    runner = MatrixRunner(toy.planner, Console(quiet=True), 1)
    runner.run(toy.plan())
    assert started
    started.clear()
    _orphan(root)
    _label(root)
    with pytest.raises(BenchError) as caught:
        MatrixRunner(toy.planner, Console(quiet=True), 1).run(toy.plan())
    assert "987654" in caught.value.what and "151" in caught.value.what
    assert caught.value.what.startswith("nothing was started")
    assert not started
    assert not list(toy.workspace.results.rglob("seed*.json"))


def test_annotation_files_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    content: dict[str, Any] = {
        "categories": [{"id": 1, "name": "bird"}],
        "images": [{"id": 1, "file_name": "a.jpg", "width": 10, "height": 10}],
        "annotations": [
            {
                "id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 5, 5], "area": 25,
                "segmentation": [[0, 0, 5, 0, 5, 5]],
            }
        ],
    }  # fmt: skip
    file.write_text(json.dumps(content))
    check_instances([file])
    content["annotations"][0]["bbox"] = [0, 0, float("inf"), 5]
    content["categories"].append({"id": 1, "name": "fish"})
    file.write_text(json.dumps(content))
    with pytest.raises(BenchError) as caught:
        check_instances([file, tmp_path / "gone.json"])
    for what in ("bad box", "id doubled", "gone.json"):
        assert what in caught.value.what


def test_detection_jobs_look_at_their_annotations(tmp_path: Path) -> None:
    pytest.importorskip("mmdet")
    from types import SimpleNamespace

    from mmengine.config import ConfigDict

    from mrcl_bench.jobs import detection

    dataset = {"type": "CocoDataset", "data_root": str(tmp_path), "ann_file": "mine.json"}
    context: Any = SimpleNamespace(
        job=SimpleNamespace(protocol=SimpleNamespace(data="own:birds")),
        config=ConfigDict(train_dataloader={"dataset": dataset}),
    )
    (tmp_path / "mine.json").write_text('{"images": [], "annotations": [1], "categories": []}')
    with pytest.raises(BenchError, match="broken entry"):
        detection.run(context)
