"""Patches of images, chosen ones alone."""

from __future__ import annotations

import torch
from torch.nn import functional


def gather_patches(
    images: torch.Tensor, chosen: torch.Tensor, size: tuple[int, int]
) -> torch.Tensor:
    """Copies chosen patches out of images, and nothing else of them.

    Args:
        images: (B, C, H, W); patches must tile them.
        chosen: (B, K), places of patches, counted row by row.
        size: Height and width of a patch in pixels.

    Returns:
        (B, K, C * height * width), channel by channel as in a convolution's weight.
    """
    height, width = size
    # (B, rows, columns, C, height, width); a view
    patches = images.unflatten(3, (-1, width)).unflatten(2, (-1, height)).permute(0, 2, 4, 1, 3, 5)
    columns = patches.shape[2]
    batch = torch.arange(len(images), device=images.device).unsqueeze(1)
    rows = chosen.div(columns, rounding_mode="floor")
    return patches[batch, rows, chosen % columns].flatten(2)


def normalise_patches(patches: torch.Tensor) -> torch.Tensor:
    """Gives every patch mean 0 and deviation 1, as MAE's targets have it.

    Source: He et al., arXiv 2111.06377, section 3; mmpretrain's `MAEPretrainHead` has the same
    formula, (x - mean) / sqrt(var + 1e-6) with the unbiased variance. Layer norm, one pass
    instead of six, takes the biased one, hence the factor.

    Args:
        patches: (..., P) with P above 1.

    Returns:
        The same shape, equal but for rounding to what the head makes.
    """
    count = patches.shape[-1]
    share = (count - 1) / count
    scale = patches.new_full((count,), share**0.5)
    return functional.layer_norm(patches, (count,), scale, eps=1e-6 * share)
