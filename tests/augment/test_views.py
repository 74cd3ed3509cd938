"""Views in one step: distributions of mmpretrain's transforms, and nothing taken unread."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")
pytest.importorskip("simplejpeg")
pytest.importorskip("mmpretrain")

import cv2  # noqa: E402
from mmengine.dataset import Compose  # noqa: E402
from mmengine.registry import init_default_scope  # noqa: E402
from PIL import Image  # noqa: E402
from scipy import stats  # noqa: E402

from mrcl_bench.augment import draws  # noqa: E402
from mrcl_bench.augment.decode import _has_exif, decode  # noqa: E402
from mrcl_bench.augment.draws import View  # noqa: E402
from mrcl_bench.augment.recipe import read  # noqa: E402
from mrcl_bench.augment.views import FusedMultiView, FusedView  # noqa: E402
from mrcl_bench.catalog import config_root  # noqa: E402
from mrcl_bench.engine.whole_images import BrokenImage  # noqa: E402
from mrcl_bench.resolve import load_config  # noqa: E402

DATASETS = config_root() / "_base_/datasets"
BASES = [*sorted(DATASETS.glob("in1k_two-views_*.py")), DATASETS / "stamps48_two-views_fused.py"]
SINGLE = [
    DATASETS / f"{name}.py" for name in ("in1k_mae", "in1k_one-view_matched", "stamps48_mae_fused")
]
DRAWS = 10_000
ALIKE = 1e-4
"""Least p of the tests below: with some hundred of them, chance alone stays above."""


def multi_view(path: Path) -> Any:
    """Arguments of a data config's MultiView."""
    steps = load_config(path).train_dataloader.dataset.pipeline
    return next(step for step in steps if "MultiView" in step.type)


@pytest.fixture(scope="module")
def picture() -> Any:
    """A photograph-like picture, (375, 500, 3) uint8 in BGR."""
    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)
    fine = rng.normal(0, 12, (375, 500, 3))
    return np.clip(cv2.resize(coarse, (500, 375)) + fine, 0, 255).astype(np.uint8)


def test_crops_are_drawn_like_mmpretrain_s() -> None:
    from mmpretrain.datasets.transforms import RandomResizedCrop

    stock = RandomResizedCrop(scale=224, crop_ratio_range=(0.08, 1.0))
    np.random.seed(0)
    ours = np.array([draws.crop(View(crop=(0.08, 1.0)), 375, 500) for _ in range(DRAWS)])
    theirs = np.array(
        [stock.rand_crop_params(np.zeros((375, 500, 3), np.uint8)) for _ in range(DRAWS)]
    )
    for ours_column, theirs_column in zip(ours.T, theirs.T, strict=True):
        assert stats.ks_2samp(ours_column, theirs_column).pvalue > ALIKE
    area, aspect = ours[:, 2] * ours[:, 3], ours[:, 3] / ours[:, 2]
    assert stats.ks_2samp(area, theirs[:, 2] * theirs[:, 3]).pvalue > ALIKE
    assert stats.ks_2samp(aspect, theirs[:, 3] / theirs[:, 2]).pvalue > ALIKE


@pytest.mark.parametrize("shape", [(20, 400), (400, 20), (1, 1)])
def test_crops_of_narrow_pictures_lie_within(shape: tuple[int, int]) -> None:
    np.random.seed(0)
    for _ in range(50):
        top, left, height, width = draws.crop(View(), *shape)
        assert 0 <= top and top + height <= shape[0] and height > 0
        assert 0 <= left and left + width <= shape[1] and width > 0


def test_factors_and_chances() -> None:
    np.random.seed(0)
    found = [draws.factor(0.8) for _ in range(DRAWS)]
    assert stats.kstest(found, stats.uniform(0.2, 1.6).cdf).pvalue > ALIKE
    assert min(draws.factor(1.5) for _ in range(100)) >= 0
    happened = sum(draws.happens(0.3) for _ in range(DRAWS))
    assert stats.binomtest(happened, DRAWS, 0.3).pvalue > ALIKE
    assert draws.happens(1.0) and not draws.happens(0.0)


def features(views: list[Any]) -> Any:
    """Brightness, spread, colourfulness, sharpness and mirror asymmetry of views."""
    rows = []
    for view in views:
        pixels = view.astype(np.float32)
        grey = pixels @ np.array([0.114, 0.587, 0.299], np.float32)
        rows.append(
            [
                *pixels.mean((0, 1)),
                grey.std(),
                (pixels.max(2) - pixels.min(2)).mean(),
                np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean(),
                (grey[:, : grey.shape[1] // 2] - grey[:, grey.shape[1] // 2 :]).mean(),
            ]
        )
    return np.array(rows)


@pytest.mark.parametrize("path", BASES, ids=lambda path: path.stem)
def test_views_are_distributed_like_mmpretrain_s(path: Path, picture: Any) -> None:
    """Statistics of the pixels over many draws, view by view, by Kolmogorov and Smirnov."""
    found = multi_view(path)
    init_default_scope("mmpretrain")
    arguments = {"num_views": found.num_views, "transforms": found.transforms}
    stock = Compose([{"type": "MultiView", **arguments}])
    fused = FusedMultiView(**arguments)
    count = 250

    def drawn(make: Any) -> list[Any]:
        np.random.seed(1)
        import random

        random.seed(1)
        made = [make({"img": picture.copy()})["img"] for _ in range(count)]
        return [features([views[kind] for views in made]) for kind in range(len(made[0]))]

    for ours, theirs in zip(drawn(fused), drawn(stock), strict=True):
        for column in range(ours.shape[1]):
            assert stats.ks_2samp(ours[:, column], theirs[:, column]).pvalue > ALIKE, column


@pytest.mark.parametrize("path", SINGLE, ids=lambda path: path.stem)
def test_a_single_view_is_distributed_like_mmpretrain_s(path: Path, picture: Any) -> None:
    (step, _) = load_config(path).train_dataloader.dataset.pipeline
    assert step.type == "FusedView"
    init_default_scope("mmpretrain")
    stock, fused = Compose(list(step.transforms)), FusedView(step.transforms)

    def drawn(make: Any) -> Any:
        np.random.seed(1)
        made = [make({"img": picture.copy()})["img"] for _ in range(250)]
        shape = (step.transforms[0].scale, step.transforms[0].scale, 3)
        assert {(view.shape, view.dtype) for view in made} == {(shape, np.dtype(np.uint8))}
        return features(made)

    ours, theirs = drawn(fused), drawn(stock)
    for column in range(ours.shape[1]):
        assert stats.ks_2samp(ours[:, column], theirs[:, column]).pvalue > ALIKE, column


def test_the_same_seed_gives_the_same_views(picture: Any) -> None:
    found = multi_view(BASES[0])
    fused = FusedMultiView(transforms=found.transforms, num_views=found.num_views)

    def made(seed: int) -> list[Any]:
        np.random.seed(seed)
        return list(fused({"img": picture})["img"])

    first, again, other = made(5), made(5), made(6)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])
    assert not np.array_equal(first[0], first[1])
    assert first[0].shape == (224, 224, 3) and first[0].dtype == np.uint8


def jpeg(picture: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture[..., ::-1]).save(buffer, "JPEG", quality=95, **options)
    return buffer.getvalue()


def test_files_are_decoded_as_opencv_does(picture: Any, tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    grey, cmyk = io.BytesIO(), io.BytesIO()
    Image.fromarray(picture[..., 0]).save(grey, "JPEG")
    Image.fromarray(picture[..., ::-1]).convert("CMYK").save(cmyk, "JPEG")
    png = cv2.imencode(".png", picture)[1].tobytes()
    for data in (jpeg(picture), jpeg(picture, exif=turned), grey.getvalue(), cmyk.getvalue(), png):
        expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        found = decode(data)
        assert found.shape == expected.shape
        assert np.abs(found.astype(int) - expected).mean() < 0.5
    assert decode(jpeg(picture, exif=turned)).shape == (500, 375, 3)


def test_a_turned_picture_is_known_by_its_segments(picture: Any) -> None:
    """Wherever EXIF data stand before the picture, and whatever else says their name."""
    turned = Image.Exif()
    turned[0x0112] = 6
    plain, exif = jpeg(picture), jpeg(picture, exif=turned)
    remark = b"\xff\xfe\x00\x0aExif\x00\x00ab"
    behind = exif[:2] + remark + b"\xff" + exif[2:]  # 0xFF may fill up before a marker
    assert decode(behind).shape == (500, 375, 3)
    assert decode(plain[:2] + remark + plain[2:]).shape == (375, 500, 3)
    assert _has_exif(exif) and _has_exif(behind) and not _has_exif(plain)
    assert not _has_exif(plain[:2] + remark + plain[2:])
    assert _has_exif(exif[:2] + b"odd" + exif[2:])  # no segments: searched


@pytest.mark.parametrize("damage", ["truncated", "text", "empty"])
def test_damaged_files_are_named(picture: Any, tmp_path: Path, damage: str) -> None:
    data = jpeg(picture)
    bad = {"truncated": data[: len(data) // 2], "text": b"<html>", "empty": b""}[damage]
    path = tmp_path / "bad.jpg"
    path.write_bytes(bad)
    found = multi_view(BASES[0])
    fused = FusedMultiView(transforms=found.transforms, num_views=found.num_views)
    with pytest.raises(BrokenImage, match=r"broken image .*bad\.jpg"):
        fused({"img_path": str(path)})


CROP = {"type": "RandomResizedCrop", "scale": 32, "backend": "pillow"}
JITTER = {"type": "ColorJitter", "brightness": 0.4}
GREY = {"type": "RandomGrayscale", "prob": 0.2, "keep_channels": True,
        "channel_weights": (0.114, 0.587, 0.2989)}  # fmt: skip


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([], "needs a RandomResizedCrop"),
        ([JITTER, CROP], "first step"),
        ([CROP, CROP], "once"),
        ([CROP, {"type": "RandomRotate"}], "no fused counterpart of 'RandomRotate'"),
        ([CROP, GREY, JITTER], "out of the order"),
        ([CROP, JITTER, JITTER], "doubled"),
        ([CROP | {"backend": "cv2"}], "backend='pillow'"),
        ([CROP | {"max_attempts": 3}], "max_attempts"),
        ([CROP, {"type": "RandomFlip", "prob": 0.5, "direction": "vertical"}], "horizontal"),
        ([CROP, GREY | {"channel_weights": (1, 1, 1)}], "channel_weights"),
        ([CROP, {"type": "GaussianBlur", "radius": 1}], "magnitude_range"),
        ([CROP, {"type": "RandomApply", "transforms": [GREY]}], "one ColorJitter"),
        ([CROP, JITTER | {"backend": "cv2"}], "backend='pillow'"),
    ],
)
def test_what_is_not_fused_is_refused(steps: list[Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read(steps)


def test_kinds_of_views_must_match() -> None:
    with pytest.raises(ValueError, match="numbers of views"):
        FusedMultiView(transforms=[[CROP]], num_views=[1, 1])
    with pytest.raises(ValueError, match="size"):
        FusedMultiView(transforms=[[CROP], [CROP | {"scale": 64}]], num_views=[1, 1])


def test_single_views_exist_and_pack_to_one_tensor(picture: Any, tmp_path: Path) -> None:
    init_default_scope("mmpretrain")
    __import__("mmpretrain.datasets")
    (tmp_path / "one.jpg").write_bytes(jpeg(picture))
    assert len(SINGLE) == 3
    for path in SINGLE:
        pipeline = load_config(path).train_dataloader.dataset.pipeline
        packed = Compose(pipeline)({"img_path": str(tmp_path / "one.jpg")})
        side = pipeline[0].transforms[0].scale
        assert packed["inputs"].shape == (3, side, side)
