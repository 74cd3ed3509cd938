"""The compiled pixel work against Pillow, OpenCV and torchvision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")
cv2 = pytest.importorskip("cv2")
functional = pytest.importorskip("torchvision.transforms.functional")

import torch  # noqa: E402
from PIL import Image  # noqa: E402

from mrcl_bench.augment import kernels  # noqa: E402

RGB = np.array([0.299, 0.587, 0.114], dtype=np.float32)
SIDE = 56


@pytest.fixture(scope="module")
def picture() -> Any:
    """Smooth and sharp parts, all colours, (120, 150, 3) uint8."""
    rng = np.random.default_rng(0)
    rough = rng.integers(0, 256, (120, 150, 3), dtype=np.uint8)
    smooth = cv2.GaussianBlur(rng.integers(0, 256, (120, 150, 3), dtype=np.uint8), (0, 0), 6)
    smooth = np.clip((smooth.astype(float) - 127) * 8 + 127, 0, 255).astype(np.uint8)
    return np.where(np.arange(150)[None, :, None] < 75, rough, smooth)


def planes_of(picture: Any, crop: tuple[int, int, int, int], cubic: bool, mirrored: bool) -> Any:
    lines = np.empty((SIDE, 3 * crop[3]), np.int16)
    kernels.resample_rows(picture.reshape(picture.shape[0], -1), crop, cubic, lines)
    planes = np.empty((3, SIDE, SIDE), np.float32)
    kernels.resample_columns(np.ascontiguousarray(lines.T), cubic, mirrored, planes)
    return planes


def upright(planes: Any) -> Any:
    """(3, column, row) planes as (row, column, 3)."""
    return planes.reshape(3, SIDE, SIDE).transpose(2, 1, 0)


@pytest.mark.parametrize("cubic", [False, True])
@pytest.mark.parametrize(
    "crop",
    [(0, 0, 120, 150), (3, 7, 31, 20), (40, 60, SIDE, SIDE), (119, 0, 1, 150), (0, 5, 90, 1)],
)
def test_resampling_is_pillow_s(picture: Any, crop: tuple[int, ...], cubic: bool) -> None:
    top, left, height, width = crop
    part = Image.fromarray(picture[top : top + height, left : left + width])
    method = Image.Resampling.BICUBIC if cubic else Image.Resampling.BILINEAR
    expected = np.asarray(part.resize((SIDE, SIDE), method)).astype(int)
    found = upright(planes_of(picture, crop, cubic, False))
    away = np.abs(found - expected)
    # Pillow rounds, and cuts off what bicubic weights overshoot, between columns and rows as well.
    assert away.max() <= (16 if cubic else 1)
    assert np.mean(away > 1) < 0.02
    assert away.mean() < 0.35
    mirrored = upright(planes_of(picture, crop, cubic, True))
    assert np.array_equal(mirrored, found[:, ::-1])


@pytest.fixture
def flat(picture: Any) -> Any:
    return planes_of(picture, (10, 50, 70, 60), False, False).reshape(3, -1)


def as_tensor(flat: Any) -> torch.Tensor:
    return torch.from_numpy(flat.reshape(3, SIDE, SIDE) / 255)


@pytest.mark.parametrize("factor", [0.0, 0.3, 1.0, 1.7])
def test_colours_are_torchvision_s(flat: Any, factor: float) -> None:
    image = as_tensor(flat)
    grey = functional.rgb_to_grayscale(image)
    for change, expected in (
        (lambda p: kernels.scale(p, np.float32(factor)), factor * image),
        (
            lambda p: kernels.saturate(p, np.float32(factor), RGB),
            factor * image + (1 - factor) * grey,
        ),
    ):
        found = flat.copy()
        change(found)
        # torchvision's grey has 0.2989 for 0.299
        assert np.abs(as_tensor(found) - expected.clamp(0, 1)).max() < 2e-4
    found = flat.copy()
    kernels.contrast(found, np.float32(factor), RGB)
    whole = Image.fromarray(flat.reshape(3, SIDE, SIDE).transpose(1, 2, 0).astype(np.uint8))
    expected = np.asarray(functional.adjust_contrast(whole, factor)).transpose(2, 0, 1)
    assert np.abs(found.reshape(3, SIDE, SIDE) - expected).max() <= 1.01


@pytest.mark.parametrize("shift", [-0.5, -0.1, 0.0, 0.2, 0.37])
def test_hue_is_torchvision_s(flat: Any, shift: float) -> None:
    found = flat.copy()
    kernels.turn(found[0], found[1], found[2], np.float32(shift))
    expected = functional.adjust_hue(as_tensor(flat), shift)
    assert np.abs(as_tensor(found) - expected).max() < 1e-4


@pytest.mark.parametrize("sigma", [0.1, 0.5, 1.3, 2.0])
def test_blur_is_opencv_s(flat: Any, sigma: float) -> None:
    planes = flat.reshape(3, SIDE, SIDE).copy()
    side = 2 * max(int(np.ceil(3 * sigma)), 1) + 1
    expected = [cv2.GaussianBlur(plane, (side, side), sigma) for plane in planes]
    kernels.blur(planes, sigma)
    assert np.abs(planes - expected).max() < 1e-2


def test_bytes_are_rounded_and_solarised() -> None:
    values = np.array([[0.4, 0.6, 127.4, 127.6, 128.0, 255.0]] * 3, dtype=np.float32)
    out = np.empty(values.shape, np.uint8)
    kernels.to_bytes(values, 256, out)
    assert out[0].tolist() == [0, 1, 127, 128, 128, 255]
    kernels.to_bytes(values, 128, out)
    assert out[0].tolist() == [0, 1, 127, 127, 127, 0]
