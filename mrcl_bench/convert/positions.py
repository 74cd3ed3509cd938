"""Resizes position embeddings, the same way for every task and library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import BenchError

if TYPE_CHECKING:
    from torch import Tensor

Grid = tuple[int, int]
"""Rows and columns of patches."""


def square_side(cells: int) -> int | None:
    """Returns the side of a square grid of ``cells`` cells, or None if there is none."""
    side = round(max(cells, 0) ** 0.5)
    return side if side > 0 and side * side == cells else None


def grid_of(img_size: int | tuple[int, int], patch: int) -> Grid:
    """Returns the grid of an image's whole patches.

    Args:
        img_size: Side of a square image, or height and width, in pixels.
        patch: Patch side in pixels.

    Raises:
        BenchError: Not one patch fits.
    """
    height, width = (img_size, img_size) if isinstance(img_size, int) else img_size
    grid = height // patch, width // patch
    if min(grid) < 1:
        raise BenchError(
            f"an image of {height} x {width} pixels has no patch of {patch}.", "Use a larger image."
        )
    return grid


def resize_positions(
    positions: Tensor, grid: Grid, *, prefix: int, old_grid: Grid | None = None
) -> Tensor:
    """Resizes the patches' positions, bicubic without antialiasing, as mmpretrain and mmseg do.

    Source of the method: mmpretrain's ``resize_pos_embed`` (and mmseg's, whose numbers are equal).
    timm's differs: it antialiases.

    Args:
        positions: (1, prefix + rows * columns, C), the rows of class and register tokens first.
        grid: Rows and columns wanted; they need not be equal.
        prefix: Rows of other tokens than patches, which stay as they are.
        old_grid: Rows and columns there are; a square if not given.

    Returns:
        (1, prefix + rows * columns, C) of the same dtype; the very same tensor if the grid is
        that already.

    Raises:
        BenchError: The positions are of another form or grid, or are no square and ``old_grid``
            is not given.
    """
    if positions.ndim != 3 or positions.shape[0] != 1:
        raise BenchError(
            f"positions of the shape {tuple(positions.shape)} instead of (1, tokens, width).",
            "Convert the weights from the right source format.",
        )
    cells = positions.shape[1] - prefix
    if old_grid is None:
        side = square_side(cells)
        if side is None:
            raise BenchError(
                f"{cells} positions of patches are no square grid.",
                "Say how many rows and columns they are.",
            )
        old_grid = (side, side)
    if old_grid[0] * old_grid[1] != cells or min(*old_grid, *grid) < 1:
        raise BenchError(
            f"{cells} positions of patches cannot be taken from {old_grid[0]} x {old_grid[1]} to "
            f"{grid[0]} x {grid[1]}.",
            "Give grids of patches, not of pixels, without the class token.",
        )
    if tuple(old_grid) == tuple(grid):
        return positions

    import torch
    from torch.nn.functional import interpolate

    patches = positions[:, prefix:].reshape(1, *old_grid, -1).permute(0, 3, 1, 2)
    # half precision has no bicubic kernel everywhere
    resized = interpolate(patches.float(), size=tuple(grid), mode="bicubic", align_corners=False)
    resized = resized.flatten(2).transpose(1, 2).to(positions.dtype)
    return torch.cat((positions[:, :prefix], resized), dim=1)
