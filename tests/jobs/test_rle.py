"""Masks read by compiled code have pycocotools' areas and overlaps, to the last digit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")
masks = pytest.importorskip("pycocotools.mask")

from mrcl_bench.jobs import rle  # noqa: E402


def drawn(seed: int, number: int, height: int = 61, width: int = 83) -> list[dict[str, Any]]:
    """Blobs, noise, nothing, everything, single pixels at the borders."""
    rng = np.random.default_rng(seed)
    noise = rng.uniform(size=(number, height, width)) < rng.uniform(size=(number, 1, 1))
    edges = np.sort(rng.integers(0, [height, width], (number, 2, 2)), axis=1)
    for pixels, (low, high) in zip(noise[::2], edges[::2], strict=True):
        pixels[:] = False
        pixels[low[0] : high[0] + 1, low[1] : high[1] + 1] = True
    noise[0], noise[1] = False, True
    noise[2], noise[3] = False, False
    noise[2, 0, 0] = noise[3, -1, -1] = True
    return [masks.encode(np.asfortranarray(pixels, dtype=np.uint8)) for pixels in noise]


@pytest.mark.parametrize("seed", range(5))
def test_areas(seed: int) -> None:
    shapes = drawn(seed, 40)
    assert rle.areas(shapes).tolist() == masks.area(shapes).tolist()


@pytest.mark.parametrize("crowded", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_overlaps_of_all_pairs(seed: int, crowded: bool) -> None:
    found, truths = drawn(seed, 40), drawn(seed + 100, 30)
    crowd = np.full(len(truths), crowded)
    one, other = (axis.ravel() for axis in np.indices((len(found), len(truths))))
    iou = rle.iou([found[i] for i in one], [truths[i] for i in other], crowd[other])
    wanted = masks.iou(found, truths, crowd.astype(np.uint8).tolist())
    assert np.array_equal(iou.reshape(wanted.shape), wanted)
    assert 0 < (wanted > 0).mean() < 1


def test_all_forms_of_counts() -> None:
    shapes = drawn(0, 12)
    texts = [{**one, "counts": one["counts"].decode()} for one in shapes]
    plain = []
    for one in shapes:
        runs = np.diff(np.flatnonzero(np.diff(masks.decode(one).ravel("F"), prepend=2, append=2)))
        first = masks.decode(one)[0, 0]
        plain.append({"size": one["size"], "counts": [0] * int(first) + runs.tolist()})
    areas = masks.area(shapes).tolist()
    assert rle.areas(texts).tolist() == rle.areas(plain).tolist() == areas
    assert rle.areas([*shapes[:4], *texts[4:8], *plain[8:]]).tolist() == areas


def test_runs_of_millions_and_large_steps_back() -> None:
    size = (3000, 4000)
    pixels = np.zeros(size, dtype=np.uint8, order="F")
    pixels[:, :1500], pixels[5, 1600], pixels[:, 1700:3900], pixels[7, 3950] = 1, 1, 1, 1
    one = masks.encode(pixels)
    other = masks.encode(np.asfortranarray(pixels[::-1]))
    assert rle.areas([one, other]).tolist() == masks.area([one, other]).tolist()
    assert rle.iou([one], [other], np.array([False]))[0] == masks.iou([one], [other], [0])[0, 0]


def test_pictures_of_another_size_never_match() -> None:
    found = [*drawn(0, 4), *drawn(0, 4)[1:2], *drawn(0, 4)[1:2]]
    truths = [*drawn(1, 4), *drawn(1, 6, 83, 61)[4:]]
    iou = rle.iou(found, truths, np.zeros(6, dtype=np.bool_))
    wanted = [masks.iou([a], [b], [0])[0, 0] for a, b in zip(found, truths, strict=True)]
    assert iou[:4].tolist() == wanted[:4] and max(wanted[4:]) <= 0
    assert iou[4:].tolist() == [0, 0] and (rle.areas(truths[4:]) > 0).all()


def test_more_than_are_read_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = drawn(3, 23)
    whole = rle.areas(shapes), rle.iou(shapes, shapes[::-1], np.arange(23) % 2 == 0)
    monkeypatch.setattr(rle, "_AT_A_TIME", 5)
    parts = rle.areas(shapes), rle.iou(shapes, shapes[::-1], np.arange(23) % 2 == 0)
    assert all(np.array_equal(one, other) for one, other in zip(whole, parts, strict=True))


def test_nothing() -> None:
    assert rle.areas([]).shape == rle.iou([], [], np.zeros(0, dtype=np.bool_)).shape == (0,)
