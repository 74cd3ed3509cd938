"""Broken images are left out where that is allowed, the same ones each time, and counted."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("mmpretrain")

from mmpretrain.datasets import CustomDataset  # noqa: E402
from PIL import Image  # noqa: E402

from mrcl_bench.catalog import Catalog  # noqa: E402
from mrcl_bench.engine import left_out as module  # noqa: E402
from mrcl_bench.engine.left_out import without_broken_images  # noqa: E402
from mrcl_bench.engine.request import Request  # noqa: E402
from mrcl_bench.engine.whole_images import BrokenImage  # noqa: E402
from mrcl_bench.errors import BenchError  # noqa: E402
from mrcl_bench.pretrain import run_pretraining  # noqa: E402
from mrcl_bench.record import Record  # noqa: E402
from mrcl_bench.workspace import Workspace  # noqa: E402

from ..conftest import manifest_of  # noqa: E402
from ..jobs.conftest import RANDOM, Bench, bench  # noqa: E402, F401

SET = "stamps-micro"


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Ten whole pictures of two classes."""
    drawn = np.random.default_rng(0).integers(0, 255, (10, 16, 16, 3), dtype=np.uint8)
    for place, pixels in enumerate(drawn):
        path = tmp_path / f"pictures/{'ab'[place % 2]}/{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    return tmp_path / "pictures"


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _paths(folder: Path, **options: Any) -> list[str]:
    load = [{"type": "LoadImageFromFile"}]
    data = CustomDataset(data_root=str(folder), pipeline=load, **options)
    read = [data[place]["img_path"] for place in range(len(data))]
    return [Path(path).name for path in read]


@pytest.mark.parametrize("serialize_data", [True, False])
def test_what_is_broken_is_left_out_and_told_once(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], serialize_data: bool
) -> None:
    whole = _paths(pictures)
    _cut(pictures / "a/4.png")
    (pictures / "b/7.png").write_text("<!DOCTYPE html>")
    with without_broken_images(True, tmp_path / "notes") as left:
        first = _paths(pictures, serialize_data=serialize_data)
        assert _paths(pictures, serialize_data=serialize_data) == first
    assert first == [name for name in whole if name not in ("4.png", "7.png")]
    assert sorted(Path(path).name for path in left.files) == ["4.png", "7.png"]
    said = capsys.readouterr().out
    assert said.count("4.png") == said.count("7.png") == 1
    with pytest.raises(BrokenImage, match=r"4\.png"):  # the allowance ends with its run
        _paths(pictures)


def test_views_made_in_one_step_stop_at_a_broken_image_unless_allowed(
    pictures: Path, tmp_path: Path
) -> None:
    """They read files themselves, by another decoder than the looking-through."""
    from mrcl_bench.augment.views import FusedMultiView

    crop = {"type": "RandomResizedCrop", "scale": 8, "backend": "pillow"}
    for name, content in {"a/4.png": b"", "b/7.png": b"<!DOCTYPE html>"}.items():
        (pictures / name).write_bytes(content)
    Image.new("RGB", (64, 64), "red").save(pictures / "b/8.jpg")
    _cut(pictures / "b/8.jpg")

    def views() -> list[str]:
        data = CustomDataset(data_root=str(pictures), pipeline=[FusedMultiView([[crop]], 2)])
        made = [data[place] for place in range(len(data))]
        assert all(len(one["img"]) == 2 for one in made)
        return [Path(one["img_path"]).name for one in made]

    with pytest.raises(BrokenImage, match=r"4\.png"):
        views()
    with without_broken_images(True, tmp_path / "notes") as left:
        assert len(views()) == 8
    assert sorted(Path(path).name for path in left.files) == ["4.png", "7.png", "8.jpg"]


def test_without_the_allowance_nothing_is_left_out(pictures: Path, tmp_path: Path) -> None:
    _cut(pictures / "a/4.png")
    with without_broken_images(True, tmp_path):
        assert len(_paths(pictures)) == 9
        with without_broken_images(False, tmp_path) as left, pytest.raises(BrokenImage):
            _paths(pictures)
    assert not left.files


def test_a_set_is_looked_through_once_until_a_file_changes(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str] = []
    why = module._why_broken
    monkeypatch.setattr(module, "_why_broken", lambda path: looked.append(path) or why(path))
    _cut(pictures / "a/4.png")
    for _ in range(2):
        with without_broken_images(True, tmp_path / "notes") as left:
            assert len(_paths(pictures)) == 9
        assert len(left.files) == 1
    assert len(looked) == 10
    (note,) = (tmp_path / "notes").glob("*.json")
    note.write_text("{")  # a damaged note is no note
    with without_broken_images(True, tmp_path / "notes"):
        assert len(_paths(pictures)) == 9
    _cut(pictures / "b/1.png")
    with without_broken_images(True, tmp_path / "notes"):
        assert len(_paths(pictures)) == 8
    assert len(looked) == 30


def test_a_set_of_nothing_but_broken_images_is_an_error(pictures: Path, tmp_path: Path) -> None:
    for path in pictures.rglob("*.png"):
        path.write_bytes(b"")
    with without_broken_images(True, tmp_path), pytest.raises(BenchError, match="all 10 images"):
        _paths(pictures)


def test_what_cannot_be_read_for_another_reason_is_not_called_broken(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", unreadable)
    with without_broken_images(True, tmp_path), pytest.raises(PermissionError):
        _paths(pictures)
    assert not list(tmp_path.glob("*.json"))


@pytest.fixture
def data(
    micro_root: Path, micro_workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A copy of the micro data in which a test may break files."""
    root = tmp_path / "data"
    shutil.copytree(micro_root, root)
    monkeypatch.setenv("MRCL_BENCH_DATA", str(root))
    return root / SET


def _run(bench: Bench, protocol: str, allowed: bool) -> Record:  # noqa: F811
    from mrcl_bench.jobs.evaluate import run_evaluation
    from mrcl_bench.record import read_record

    request = bench.request(protocol).model_copy(update={"allow_broken_images": allowed})
    run_evaluation(request)
    name = request.jobs[0].protocol.name
    return read_record(bench.workspace.record_path("micro", RANDOM, name, 0))


def test_a_probe_goes_on_and_its_record_counts(bench: Bench, data: Path) -> None:  # noqa: F811
    whole = _run(bench, "knn", allowed=True)
    assert whole.data.broken_images == 0
    kept = np.load(_side(bench, whole))["val_correct"]
    broken = sorted((data / "classification/val").rglob("*.*g"))[3]
    _cut(broken)
    _cut(sorted((data / "classification/train").rglob("*.*g"))[0])
    shutil.rmtree(bench.workspace.runs / "features")
    again = _run(bench, "knn", allowed=True)
    assert again.status == "completed" and again.data.broken_images == 2
    assert "--allow-broken-images" in again.command
    assert len(np.load(_side(bench, again))["val_correct"]) == len(kept) - 1
    # features in the cache say it again (here nothing else reads images); and are not for those
    # who did not allow it
    for _ in range(2):
        assert _run(bench, "linear", allowed=True).data.broken_images == 2
    refused = _run(bench, "knn", allowed=False)
    assert refused.failure is not None and "broken image" in refused.failure.message


def _side(bench: Bench, record: Record) -> Path:  # noqa: F811
    path = bench.workspace.record_path("micro", RANDOM, record.protocol.name, 0)
    return path.parent / record.artifacts["per_sample"]


@pytest.fixture
def images(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many images each detection metric judged."""
    from mrcl_bench.jobs.exact_metrics import ExactCocoMetric

    judged: list[int] = []
    compute = ExactCocoMetric.compute_metrics

    def counting(self: Any, results: list[Any]) -> Any:
        found = compute(self, results)
        judged.append(len(self.img_ids))
        return found

    monkeypatch.setattr(ExactCocoMetric, "compute_metrics", counting)
    yield judged


@pytest.mark.slow
def test_a_detector_is_not_judged_on_images_that_it_was_not_shown(
    bench: Bench,  # noqa: F811
    data: Path,
    images: list[int],
) -> None:
    truth = json.loads((data / "detection/annotations/instances_val.json").read_text())
    _cut(data / "detection/val" / truth["images"][0]["file_name"])
    record = _run(bench, "mask-rcnn", allowed=True)
    assert record.status == "completed", record.failure
    assert record.data.broken_images == 1
    assert images[0] == len(truth["images"]) - 1


@pytest.mark.slow
def test_pretraining_goes_on_and_says_so(
    data: Path, micro_workspace: Workspace, micro_catalog: Catalog
) -> None:
    recipe = micro_catalog.recipe("simclr_vit-128x4_1xb32-14iters_stamps48-micro")
    common = {"kind": "pretrain", "profile": "micro", "recipe": recipe}
    request = Request.model_validate({**common, "root": micro_workspace.root})
    for path in sorted((data / "pretrain").rglob("*.*g"))[:2]:
        _cut(path)
    with pytest.raises(BenchError, match="broken image"):
        run_pretraining(request)
    run_pretraining(request.model_copy(update={"allow_broken_images": True}))
    made = manifest_of(micro_workspace.checkpoint_dir("micro", recipe.name))
    assert made.broken_images == 2
