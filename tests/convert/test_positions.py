from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from mrcl_bench.convert.positions import (  # noqa: E402
    grid_of,
    resize_positions,
    square_side,
)
from mrcl_bench.errors import BenchError  # noqa: E402


def positions(cells: int, prefix: int = 1, width: int = 8) -> torch.Tensor:
    return torch.randn(1, cells + prefix, width, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("grid", [(2, 2), (9, 9), (3, 7), (7, 3)])
@pytest.mark.parametrize("prefix", [0, 1, 5])
def test_it_is_mmpretrains_for_any_grid(grid: tuple[int, int], prefix: int) -> None:
    pytest.importorskip("mmpretrain")
    from mmpretrain.models.utils import resize_pos_embed

    old = positions(16, prefix)
    found = resize_positions(old, grid, prefix=prefix)
    assert torch.equal(found, resize_pos_embed(old, (4, 4), grid, "bicubic", prefix))
    assert torch.equal(found[:, :prefix], old[:, :prefix])


def test_it_is_mmsegs_too() -> None:
    pytest.importorskip("mmseg")
    from mmseg.models.backbones import VisionTransformer

    old = positions(16)
    theirs = VisionTransformer.resize_pos_embed(old, (3, 5), (4, 4), "bicubic")
    assert torch.equal(resize_positions(old, (3, 5), prefix=1), theirs)


def test_a_grid_that_is_no_square() -> None:
    old = positions(12, prefix=0)
    with pytest.raises(BenchError, match="no square grid"):
        resize_positions(old, (4, 4), prefix=0)
    there = resize_positions(old, (6, 8), prefix=0, old_grid=(3, 4))
    assert there.shape == (1, 48, 8)
    turned = resize_positions(old, (6, 8), prefix=0, old_grid=(4, 3))
    assert not torch.equal(there, turned)


def test_the_same_grid_changes_nothing() -> None:
    old = positions(16)
    assert resize_positions(old, (4, 4), prefix=1) is old
    half = positions(16).half()
    assert resize_positions(half, (5, 5), prefix=1).dtype == torch.half


def test_a_constant_stays_constant() -> None:
    old = torch.full((1, 17, 8), 0.3)
    assert torch.allclose(resize_positions(old, (11, 6), prefix=1), torch.tensor(0.3))


@pytest.mark.parametrize(
    ("shape", "grid", "old_grid"),
    [((17, 8), (4, 4), None), ((1, 17, 8), (0, 4), None), ((1, 17, 8), (5, 5), (2, 4))],
)
def test_other_forms_are_refused(shape: tuple[int, ...], grid, old_grid) -> None:
    with pytest.raises(BenchError) as caught:
        resize_positions(torch.zeros(shape), grid, prefix=1, old_grid=old_grid)
    assert caught.value.cure


def test_grids() -> None:
    assert grid_of(224, 14) == (16, 16)
    assert grid_of((512, 1024), 16) == (32, 64)
    with pytest.raises(BenchError, match="no patch"):
        grid_of((224, 8), 16)
    assert [square_side(n) for n in (-1, 0, 1, 4, 5)] == [None, None, 1, 2, None]
