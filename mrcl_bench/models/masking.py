"""What masking means for each kind of backbone, behind one interface.

A masker holds no parameters: it is told which backbone, decoder and head to use, so
that the online and the momentum encoder share it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import nn

from .hidden_decoder import HiddenDecoder
from .masked_vit import visible_count
from .patches import gather_patches, normalise_patches

Views = Sequence[torch.Tensor]
"""Batches of images, each (B, 3, H, W), all of one size."""


@dataclass(frozen=True)
class Encoded:
    """One encoder pass over a batch.

    Attributes:
        features: Encoder output that both losses share: tokens (B, 1 + K, C) or a
            feature map (B, C, h, w).
        pooled: One vector per image, (B, C).
        mask: (B, L), 1 where a patch or cell was hidden; None if nothing was.
        ids_restore: (B, L), tokens only: place of each patch in the shuffled order.
    """

    features: torch.Tensor
    pooled: torch.Tensor
    mask: torch.Tensor | None = None
    ids_restore: torch.Tensor | None = None

    def first(self, count: int) -> Encoded:
        """Returns the same for the first `count` images of the batch."""
        return Encoded(
            self.features[:count],
            self.pooled[:count],
            None if self.mask is None else self.mask[:count],
            None if self.ids_restore is None else self.ids_restore[:count],
        )


class Masker(Protocol):
    """Interface of `TokenMasking` and `CellMasking`."""

    def join(self, views: Views) -> Views:
        """Makes of views what the other two take: the same images, in the same order."""

    def encode(self, backbone: nn.Module, views: Views, mask_ratio: float) -> Encoded:
        """Hides a share of each image of all views and encodes the rest, as one batch."""

    def reconstruct(
        self, decoder: nn.Module, head: nn.Module, encoded: Encoded, views: Views
    ) -> torch.Tensor:
        """Returns the mean squared error on what was hidden, a scalar.

        `encoded` may be of the first views only; the others are not looked at then. Where
        nothing was hidden (`mask_ratio` 0), every patch counts.
        """


class TokenMasking:
    """Masking for `MaskedViT`: hidden patches never enter the encoder.

    Args:
        pool: ``"avg"`` averages the visible patch tokens, ``"cls"`` takes the class token.
    """

    def __init__(self, pool: Literal["avg", "cls"] = "avg") -> None:
        if pool not in ("avg", "cls"):
            raise ValueError(f"pool must be 'avg' or 'cls', got {pool!r}.")
        self.pool = pool

    def join(self, views: Views) -> Views:
        """See `Masker`; patches are gathered view by view, so that nothing need be copied."""
        return views

    def encode(self, backbone: nn.Module, views: Views, mask_ratio: float) -> Encoded:
        """See `Masker`; `features` are the visible tokens, class token first."""
        tokens, mask, ids_restore = backbone(views, mask_ratio=mask_ratio)
        pooled = tokens[:, 0] if self.pool == "cls" else tokens[:, 1:].mean(dim=1)
        return Encoded(tokens, pooled, mask if mask_ratio > 0 else None, ids_restore)

    def reconstruct(
        self, decoder: nn.Module, head: nn.Module, encoded: Encoded, views: Views
    ) -> torch.Tensor:
        """See `Masker`; decoder and head are MAE's."""
        views = views[: len(encoded.features) // len(views[0])]
        if encoded.mask is None or not isinstance(decoder, HiddenDecoder):
            pred = decoder(encoded.features, encoded.ids_restore)
            return head.loss(pred, torch.cat(list(views)), encoded.mask)
        channels, size = views[0].shape[1], (head.patch_size, head.patch_size)
        pred, places = decoder.hidden(encoded.features, encoded.ids_restore, channels)
        losses = []
        for view, some, where in zip(
            views, pred.chunk(len(views)), places.chunk(len(views)), strict=True
        ):
            target = gather_patches(view, where, size)
            if head.norm_pix:
                target = normalise_patches(target)
            all_count = torch.ones_like(where, dtype=target.dtype)
            losses.append(head.loss_module(some, target, all_count))
        return torch.stack(losses).mean()


class CellMasking:
    """Masking for convolutional backbones: cells of the image are blanked.

    The images are normalised, so blanking with 0 fills in the channel mean.

    Args:
        cell: Side of a cell in pixels; must divide the image's sides.
    """

    def __init__(self, cell: int = 32) -> None:
        if cell < 1:
            raise ValueError(f"mask_cell must be positive, got {cell}.")
        self.cell = cell

    def draw(self, images: torch.Tensor, mask_ratio: float) -> torch.Tensor:
        """Draws the hidden cells of each image.

        Args:
            images: (B, C, H, W).
            mask_ratio: Share to hide, in [0, 1).

        Returns:
            (B, H / cell * W / cell), row by row, 1 where hidden.

        Raises:
            ValueError: If cells do not tile the image or the ratio is out of range.
        """
        batch, _, height, width = images.shape
        if height % self.cell or width % self.cell:
            raise ValueError(f"mask_cell {self.cell} does not divide images of {height}x{width}.")
        length = (height // self.cell) * (width // self.cell)
        keep = visible_count(length, mask_ratio)
        rank = torch.rand(batch, length, device=images.device).argsort(dim=1).argsort(dim=1)
        return (rank >= keep).float()

    def blank(self, images: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Returns the images (B, C, H, W) with their hidden cells set to 0."""
        batch, _, height, width = images.shape
        grid = mask.view(batch, 1, height // self.cell, width // self.cell)
        grid = grid.repeat_interleave(self.cell, dim=2).repeat_interleave(self.cell, dim=3)
        return images * (1 - grid)

    def join(self, views: Views) -> Views:
        """See `Masker`; a backbone with batch norms takes one batch."""
        return views if len(views) == 1 else [torch.cat(list(views))]

    def encode(self, backbone: nn.Module, views: Views, mask_ratio: float) -> Encoded:
        """See `Masker`; `features` is the backbone's last map."""
        (images,) = views
        mask = None
        if mask_ratio > 0:
            mask = self.draw(images, mask_ratio)
            images = self.blank(images, mask)
        features = backbone(images)[-1]
        return Encoded(features, features.mean(dim=(2, 3)), mask)

    def reconstruct(
        self, decoder: nn.Module, head: nn.Module, encoded: Encoded, views: Views
    ) -> torch.Tensor:
        """See `Masker`; the decoder paints an image, the head compares it cell by cell."""
        images = views[0][: len(encoded.features)]
        painted = decoder(encoded.features, images.shape[-2:])
        return head.loss(head.patchify(painted), images, encoded.mask)
