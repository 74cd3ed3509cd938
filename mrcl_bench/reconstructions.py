"""What a masked model makes of a few training pictures, kept beside its checkpoint."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from .convert.manifest import read_manifest
from .thumbnails import keep, small

COUNT = 8
_SEED = 0
_GREY = 0.5
"""What hidden patches look like, as a share of white."""


def keep_reconstructions(folder: Path, model: Any, dataset: Any, config: Any) -> None:
    """Writes ``samples.npz`` beside a finished checkpoint; a failure costs the pictures alone.

    Args:
        folder: The checkpoint's folder, with its manifest.
        model: The pretrained model.
        dataset: Its training set.
        config: The recipe's resolved config.
    """

    def make() -> dict[str, Any] | None:
        processor = config.model.get("data_preprocessor") or config.data_preprocessor
        mean, std = list(processor.mean), list(processor.std)
        weights = read_manifest(folder).weights_sha256
        return reconstructions(model, dataset, mean, std, processor.to_rgb, weights)

    keep(folder / "samples.npz", make)


def reconstructions(
    model: Any, dataset: Any, mean: list[float], std: list[float], to_rgb: bool, weights: str
) -> dict[str, Any] | None:
    """Hides patches of a few training pictures and lets the model fill them in.

    The pictures are evenly spaced over the training set, cropped as in training. Where the loss
    compares patches that are normalised one by one (``norm_pix``), the model predicts no brightness
    or contrast: each patch gets those of the original back, as MAE's authors show theirs
    (arXiv 2111.06377, appendix A). Weights, and the state of all random generators, stay as they
    are.

    Args:
        model: A pretrained model.
        dataset: Its training set; items hold ``inputs``, uint8 (3, H, W), or a list of views.
        mean: Channel means of the model's input, in 0 … 255.
        std: Their standard deviations.
        to_rgb: Whether the model takes RGB; the data set gives BGR.
        weights: Hash of the weights that the pictures belong to.

    Returns:
        ``masked``, ``reconstructed``, ``original``: uint8 RGB (N, H, W, 3); ``mask_ratio``: the
        share of hidden pixels; ``weights``. None if the model reconstructs nothing.
    """
    import torch

    if not _reconstructs(model):
        return None
    with _fixed_seed(), torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(_SEED)
        places = np.linspace(0, len(dataset) - 1, min(COUNT, len(dataset))).astype(int)
        views = [dataset[int(place)]["inputs"] for place in places]
        stack = torch.stack([v[0] if isinstance(v, list) else v for v in views]).float()
        if to_rgb:
            stack = stack.flip(1)
        device = next(model.parameters()).device
        means, stds = (torch.tensor(v, device=device).view(1, -1, 1, 1) for v in (mean, std))
        images = (stack.to(device) - means) / stds
        training = model.training
        model.eval()
        try:
            painted, hidden = _paint(model, images)
        finally:
            model.train(training)

    def pixels(values: Any) -> Any:
        found = (values * stds + means).clamp(0, 255).round().byte().cpu()
        found = found if to_rgb else found.flip(1)
        return np.stack([small(image) for image in found.permute(0, 2, 3, 1).numpy()])

    grey = (255 * _GREY - means) / stds
    return {
        "masked": pixels(torch.where(hidden, grey, images)),
        "reconstructed": pixels(torch.where(hidden, painted, images) if hidden.any() else painted),
        "original": pixels(images),
        "mask_ratio": np.float64(hidden.float().mean().item()),
        "weights": np.array(weights),
    }


def _reconstructs(model: Any) -> bool:
    from mmpretrain.models.selfsup import MAE

    from .models.mrcl import MRCL

    return isinstance(model, MAE) or (isinstance(model, MRCL) and model.reconstruct_weight > 0)


def _paint(model: Any, images: Any) -> tuple[Any, Any]:
    """Returns painted images and which pixels were hidden, (N, 3, H, W) and (N, 1, H, W)."""
    import torch
    from mmpretrain.models.selfsup import MAE

    if isinstance(model, MAE):
        latent, mask, order = model.backbone(images)
        patches = model.neck(latent, order)
    else:
        encoded = model.masker.encode(model.backbone, [images], model.mask_ratio)
        mask = encoded.mask
        if encoded.ids_restore is not None:
            patches = model.decoder(encoded.features, encoded.ids_restore)
        else:
            patches = model.head.patchify(model.decoder(encoded.features, images.shape[-2:]))
    head = model.head
    target = head.patchify(images)
    if head.norm_pix:
        spread = (target.var(dim=-1, keepdim=True) + 1e-6).sqrt()
        patches = patches * spread + target.mean(dim=-1, keepdim=True)
    if mask is None:
        mask = torch.zeros(target.shape[:2], device=images.device)
    hidden = head.unpatchify(mask.unsqueeze(-1).expand_as(target))[:, :1] > 0
    return head.unpatchify(patches), hidden


@contextmanager
def _fixed_seed() -> Iterator[None]:
    """Seeds what crops are drawn with, and puts the generators back after."""
    states = random.getstate(), np.random.get_state()
    random.seed(_SEED)
    np.random.seed(_SEED)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
