"""The embedded set: layout, exactness, reproducibility, no leak between splits."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from mrcl_bench.data import auto, compose, debian, folder, stamps
from mrcl_bench.data.locate import require
from mrcl_bench.data.manifest import read_manifest, verify
from mrcl_bench.data.source import Source, prepare_cutout
from mrcl_bench.data.stamps import MICRO, Sizes, make_stamps
from mrcl_bench.errors import BenchError
from mrcl_bench.workspace import Workspace

SPLITS = ("train", "val", "novel")
ADE = {"train": "training", "val": "validation", "novel": "novel"}
TINY = Sizes(24, 12, 12, 12, 3, 2, 2)


def decode(segmentation: object, side: int) -> np.ndarray:
    """Turns polygons or RLE into a mask: a pixel belongs where its centre lies inside."""
    if isinstance(segmentation, dict):
        values = np.repeat(np.arange(len(segmentation["counts"])) % 2, segmentation["counts"])
        return values.reshape(side, side).T.astype(bool)
    assert isinstance(segmentation, list)
    fine = np.zeros((side * 8, side * 8), np.uint8)
    for flat in segmentation:
        points = np.array(flat).reshape(-1, 2) * 8
        cv2.fillPoly(fine, [np.round(points).astype(np.int32)], 1)
    return fine[4::8, 4::8].astype(bool)


def test_same_seed_same_bytes_other_seed_other_bytes(tmp_path: Path, shapes: Source) -> None:
    one = make_stamps(tmp_path / "a", sizes=TINY, cutouts=shapes)
    two = make_stamps(tmp_path / "b", sizes=TINY, cutouts=shapes)
    other = make_stamps(tmp_path / "c", seed=1, sizes=TINY, cutouts=shapes)
    assert one == two
    assert (tmp_path / "a/manifest.json").read_bytes() == (
        tmp_path / "b/manifest.json"
    ).read_bytes()
    assert other.sha256 != one.sha256
    assert all(other.splits[name] != one.splits[name] for name in one.splits)


def test_layout_and_balance(micro: Path) -> None:
    manifest = read_manifest(micro)
    assert manifest.id == "stamps-micro-shapes"
    assert manifest.shapes_fallback
    assert len(manifest.classes) == 12
    assert len(list((micro / "pretrain").glob("*.png"))) == MICRO.pretrain
    for split, count in zip(SPLITS, (120, 96, 48), strict=True):
        folders = sorted(p.name for p in (micro / "classification" / split).iterdir())
        assert folders == sorted(manifest.classes)
        per_class = [
            len(list((micro / "classification" / split / name).glob("*.png"))) for name in folders
        ]
        assert per_class == [count // 12] * 12
        assert manifest.splits[f"classification/{split}"].count == count
    picture = cv2.imread(str(next((micro / "classification/val").rglob("*.png"))))
    assert picture.shape == (48, 48, 3)
    names = json.loads((micro / "detection/classes.json").read_text())
    assert names == {"things": manifest.classes}
    assert not list(micro.parent.glob(".stamps*")), "a temporary folder was left behind"


def test_pretrain_statistics(micro: Path) -> None:
    pixels = np.stack([cv2.imread(str(p))[..., ::-1] for p in (micro / "pretrain").glob("*.png")])
    manifest = read_manifest(micro)
    np.testing.assert_allclose(pixels.mean((0, 1, 2)), manifest.mean, atol=0.01)
    np.testing.assert_allclose(pixels.std((0, 1, 2)), manifest.std, atol=0.01)


@pytest.mark.parametrize("split", SPLITS)
def test_coco_boxes_and_masks(micro: Path, split: str) -> None:
    coco = json.loads((micro / f"detection/annotations/instances_{split}.json").read_text())
    assert [c["id"] for c in coco["categories"]] == list(range(1, 13))
    assert [c["name"] for c in coco["categories"]] == read_manifest(micro).classes
    files = {i["file_name"] for i in coco["images"]}
    assert files == {p.name for p in (micro / "detection" / split).iterdir()}
    ids = [a["id"] for a in coco["annotations"]]
    assert len(set(ids)) == len(ids)
    image_ids = {i["id"] for i in coco["images"]}
    for entry in coco["annotations"]:
        assert entry["image_id"] in image_ids
        mask = decode(entry["segmentation"], 128)
        left, top, width, height = entry["bbox"]
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        assert (columns[0], rows[0]) == (left, top)
        assert (columns[-1] + 1, rows[-1] + 1) == (left + width, top + height)
        assert mask.sum() == entry["area"]
        if isinstance(entry["segmentation"], list):
            assert all(len(p) >= 6 and len(p) % 2 == 0 for p in entry["segmentation"])
    per_image = Counter(a["image_id"] for a in coco["annotations"])
    assert set(per_image) == image_ids
    assert max(per_image.values()) <= 4


def test_masks_decode_to_the_truth(shapes: Source) -> None:
    """Polygons (or RLE) against the masks of the composer itself."""
    rng = np.random.default_rng(0)
    pool = [(k, c) for k, kind in enumerate(shapes.known.values()) for c in kind[:3]]
    kinds = Counter()
    for _ in range(40):
        canvas = np.zeros((128, 128, 3), np.uint8)
        chosen = [pool[int(rng.integers(len(pool)))] for _ in range(4)]
        things = compose.scatter(rng, canvas, chosen)
        assert sum(t.mask.astype(int) for t in things).max() <= 1
        for thing in things:
            written = compose.segmentation_of(thing.mask)
            kinds[type(written).__name__] += 1
            back = decode(written, 128)
            assert (back & thing.mask).sum() / (back | thing.mask).sum() >= 0.95
            np.testing.assert_array_equal(decode(compose.run_lengths(thing.mask), 128), thing.mask)
    assert kinds["list"] > kinds["dict"] > 0, "rings need RLE, most others polygons"


def test_masks_as_pycocotools_reads_them(micro: Path) -> None:
    tools = pytest.importorskip("pycocotools.mask")
    coco = json.loads((micro / "detection/annotations/instances_train.json").read_text())
    for entry in coco["annotations"]:
        segmentation = entry["segmentation"]
        rle = tools.frPyObjects(segmentation, 128, 128)
        mask = tools.decode(tools.merge(rle) if isinstance(rle, list) else rle).astype(bool)
        truth = decode(segmentation, 128)
        assert (mask & truth).sum() / (mask | truth).sum() >= 0.95


@pytest.mark.parametrize("split", SPLITS)
def test_label_maps(micro: Path, split: str) -> None:
    classes = json.loads((micro / "segmentation/classes.json").read_text())
    highest = len(classes["things"]) + len(classes["stuff"])
    seen: set[int] = set()
    for path in (micro / "segmentation/annotations" / ADE[split]).glob("*.png"):
        labels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        picture = micro / "segmentation/images" / ADE[split] / f"{path.stem}.jpg"
        assert labels.dtype == np.uint8
        assert labels.shape == (128, 128) == cv2.imread(str(picture)).shape[:2]
        seen |= set(np.unique(labels).tolist())
    assert seen <= set(range(1, highest + 1))
    assert any(label > len(classes["things"]) for label in seen)
    assert any(label <= len(classes["things"]) for label in seen)


def test_nothing_leaks_between_splits(micro: Path) -> None:
    check_origins(micro)


def check_origins(micro: Path) -> None:
    """Asserts that novel cut-outs and val backgrounds are in no training picture."""
    origins = json.loads((micro / "pretrain.origins.json").read_text())
    used = {"train": list(origins.values()), "val": [], "novel": []}
    for part in ("classification", "detection", "segmentation"):
        origins = json.loads((micro / part / "origins.json").read_text())
        for name, origin in origins.items():
            assert (micro / name).is_file()
            split = next(s for s in SPLITS if f"/{s}/" in name or f"/{ADE[s]}/" in name)
            used[split].append(origin)
    cutouts = {s: {c for o in used[s] for c in o["cutouts"]} for s in SPLITS}
    backgrounds = {s: {b for o in used[s] for b in o["backgrounds"]} for s in SPLITS}
    assert not cutouts["novel"] & (cutouts["train"] | cutouts["val"])
    assert not backgrounds["train"] & (backgrounds["val"] | backgrounds["novel"])


def test_no_halo() -> None:
    """White under transparent pixels must not bleed into the edge."""
    bgra = np.full((600, 600, 4), 255, np.uint8)
    bgra[..., 3] = 0
    cv2.circle(bgra, (300, 300), 250, (0, 0, 200, 255), -1)
    cutout = prepare_cutout("disc", bgra)
    assert max(cutout.pixels.shape) <= 112 + 1
    canvas = np.zeros((128, 128, 3), np.uint8)
    compose.paste(canvas, cutout.pixels, 5, 5)
    assert canvas[..., 0].max() == 0, "blue can only come from the white surround"
    assert canvas[..., 2].max() == 200


def test_there_already_returns_at_once(
    tmp_path: Path, shapes: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "stamps"
    first = make_stamps(out, sizes=TINY, cutouts=shapes)
    monkeypatch.setattr(stamps.compose, "portrait", lambda *a: pytest.fail("made again"))
    assert make_stamps(out, sizes=TINY, cutouts=shapes) == first
    monkeypatch.undo()
    next((out / "pretrain").glob("*.png")).unlink()
    assert make_stamps(out, sizes=TINY, cutouts=shapes) == first
    assert verify(out) == first
    assert make_stamps(out, sizes=TINY, seed=5, cutouts=shapes).seed == 5


def test_interrupted_run_leaves_nothing(
    tmp_path: Path, shapes: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "stamps"

    def stop(done: int, total: int, what: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_stamps(out, sizes=MICRO, cutouts=shapes, progress=stop)
    assert list(tmp_path.iterdir()) == []
    good = make_stamps(out, sizes=TINY, cutouts=shapes)
    with pytest.raises(KeyboardInterrupt):
        make_stamps(out, sizes=MICRO, cutouts=shapes, progress=stop)
    assert verify(out) == good, "the set that was there must outlive a failed remake"


def test_folder_of_a_killed_run_is_swept(tmp_path: Path) -> None:
    dead = tmp_path / ".stamps.making.999999999.abc"
    dead.mkdir()
    with folder.NewFolder(tmp_path / "stamps"):
        assert not dead.exists()


def test_without_apt_shapes_and_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    out = tmp_path / "data/stamps-micro"
    manifest, warning = auto.make(out, micro=True)
    assert manifest.shapes_fallback
    assert "apt-get" in warning
    assert "\n" not in warning
    found = require("stamps-micro", tmp_path / "data")
    assert (found.id, found.shapes_fallback) == ("stamps-micro-shapes", True)
    with pytest.raises(BenchError, match="--source shapes"):
        auto.make(out, micro=True, source="stamps")
    with pytest.raises(BenchError, match="did you mean|Did you mean"):
        auto.make(out, micro=True, source="stamp")


def test_photographs(tmp_path: Path) -> None:
    """The real packages; from the workspace's cache, or fetched where apt is."""
    cache = Workspace.current().data / ".cache"
    pins = (debian.STAMPS, debian.PLASMA, debian.MATE, debian.LOMIRI)
    if not debian.available():
        pytest.skip("apt-get or dpkg-deb is not on this machine")
    if not all(any(cache.glob(f"{pin.name}_*.deb")) for pin in pins):
        pytest.skip(f"no Debian packages in {cache}; make them with: mrcl-bench data stamps")
    (tmp_path / ".cache").symlink_to(cache, target_is_directory=True)
    manifest, warning = auto.make(tmp_path / "stamps-micro", source="stamps", micro=True)
    assert warning == ""
    assert manifest.id == "stamps-micro"
    assert not manifest.shapes_fallback
    assert {p["name"] for p in manifest.packages} == {pin.name for pin in pins}
    assert "Bill Kendrick" in manifest.credits
    check_origins(tmp_path / "stamps-micro")
    assert verify(tmp_path / "stamps-micro") == manifest
