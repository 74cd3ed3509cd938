"""How well a network does what it is pretrained for, on given images: a function per algorithm.

Contrastive accuracy is how often the positive of an image is nearer than every other candidate, as
the algorithm compares them (cosines; a temperature changes no rank). A tie is no hit, so that a
collapsed network scores 0 and not by chance. Reconstruction error is the algorithm's own squared
error, without its weight in the loss.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn.functional import normalize

from .resume import restore_rng, rng_state

IMAGES = 1024
"""Images that are measured, where there are so many."""
_SEED = 0


@dataclass(frozen=True)
class Batch:
    """What a batch of images gave.

    Attributes:
        hits: Share of queries whose positive was found; None where nothing is contrasted.
        candidates: Among how many.
        error: Reconstruction error; None where nothing is reconstructed.
    """

    hits: float | None = None
    candidates: int | None = None
    error: float | None = None


def _simclr(model: Any, views: list[torch.Tensor]) -> Batch:
    """Each view among all views of the batch but itself: Chen et al. 2020, arXiv 2002.05709."""
    count = len(views[0])
    vectors = torch.cat([normalize(model.neck(model.backbone(view))[0], dim=1) for view in views])
    cosines = vectors @ vectors.T
    cosines.fill_diagonal_(-torch.inf)
    positives = torch.arange(2 * count, device=cosines.device).roll(count)
    return Batch(_picked(cosines, positives), 2 * count - 1)


def _moco(model: Any, views: list[torch.Tensor]) -> Batch:
    """A query's key among the queue's: He et al. 2020, arXiv 1911.05722."""
    queries = normalize(model.neck(model.backbone(views[0]))[0], dim=1)
    keys = normalize(model.encoder_k(views[1])[0], dim=1)
    positive = (queries * keys).sum(dim=1, keepdim=True)
    cosines = torch.cat([positive, queries @ model.queue], dim=1)
    first = torch.zeros(len(queries), dtype=torch.long, device=queries.device)
    return Batch(_picked(cosines, first), cosines.shape[1])


def _mocov3(model: Any, views: list[torch.Tensor]) -> Batch:
    """A query's key among the batch's, both ways: Chen et al. 2021, arXiv 2104.02057."""
    queries = [model.neck(model.backbone(view))[0] for view in views]
    keys = [model.momentum_encoder(view)[0] for view in views]
    return _both_ways(queries, keys, model.head.predictor)


def _mrcl(model: Any, views: list[torch.Tensor]) -> Batch:
    """As MoCo v3, with masked queries as in its training; the error is on what was hidden."""
    hits = candidates = error = None
    encoded = [model.masker.encode(model.backbone, [view], model.mask_ratio) for view in views]
    if model.contrast_weight > 0:
        backbone, neck = model.momentum_encoder.module
        whole = [model.masker.encode(backbone, [view], 0.0) for view in views]
        queries = [model.neck((one.pooled,))[-1] for one in encoded]
        keys = [neck((one.pooled,))[-1] for one in whole]
        found = _both_ways(queries, keys, model.contrast_head.predictor)
        hits, candidates = found.hits, found.candidates
    if model.reconstruct_weight > 0:
        errors = [
            model.masker.reconstruct(model.decoder, model.head, one, [view])
            for one, view in zip(encoded, views, strict=True)
        ]
        error = float(torch.stack(errors).mean())
    return Batch(hits, candidates, error)


def _mae(model: Any, views: list[torch.Tensor]) -> Batch:
    """The error on what was hidden: He et al. 2022, arXiv 2111.06377."""
    return Batch(error=float(model.loss(views[0], [])["loss"]))


MEASURES: dict[str, Callable[[Any, list[torch.Tensor]], Batch]] = {
    "SimCLR": _simclr,
    "MoCo": _moco,
    "MoCoV3": _mocov3,
    "MRCL": _mrcl,
    "MAE": _mae,
}
"""By the type of the model; others (supervised, untrained) have no such task."""


def _both_ways(queries: list[torch.Tensor], keys: list[torch.Tensor], predictor: Any) -> Batch:
    hits = []
    for query, key in zip(queries, reversed(keys), strict=True):
        cosines = normalize(predictor([query])[0], dim=1) @ normalize(key, dim=1).T
        hits.append(_picked(cosines, torch.arange(len(query), device=query.device)))
    return Batch(sum(hits) / len(hits), len(queries[0]))


def _picked(cosines: torch.Tensor, positives: torch.Tensor) -> float:
    """Share of rows whose positive is larger than every other entry."""
    column = positives[:, None]
    positive = cosines.gather(1, column)
    others = cosines.scatter(1, column, -torch.inf)
    return float((positive > others.amax(dim=1, keepdim=True)).float().mean())


def loader(config: Any, folder: Path | None) -> Any:
    """Batches of a fixed draw of images through a recipe's own pipeline, of its own batch size.

    Args:
        config: The recipe's config, paths relocated.
        folder: Take the images from here, not from what the recipe trains on.
    """
    from mmengine.registry import FUNCTIONS
    from mmpretrain.registry import DATASETS

    given = config.train_dataloader
    dataset = given.dataset.copy()
    if folder is not None:
        dataset.data_root = str(folder)
    images = DATASETS.build(dataset)
    count = min(IMAGES, len(images))
    drawn = np.random.default_rng(_SEED).permutation(len(images))[:count]
    collate = given.get("collate_fn", {"type": "pseudo_collate"})
    return torch.utils.data.DataLoader(
        images.get_subset(sorted(drawn.tolist())),
        batch_size=min(given.batch_size, count),
        drop_last=True,  # as many candidates in every batch
        collate_fn=FUNCTIONS.get(collate["type"]),
    )


def measure(model: Any, batches: Any) -> dict[str, Any]:
    """Measures a network on batches, always with the same views and masks.

    Args:
        model: A `BaseSelfSupervisor`, on whatever device; left as it was.
        batches: From `loader`.

    Returns:
        The fields of `mrcl_bench.record.Course` that are measured; None for what the algorithm
        does not do.
    """
    function = MEASURES.get(type(model).__name__)
    if function is None:
        return {}
    state, training = rng_state(), model.training
    model.eval()  # batch norms by their running statistics
    random.seed(_SEED)
    np.random.seed(_SEED)
    torch.manual_seed(_SEED)
    found: list[Batch] = []
    images = 0
    try:
        with torch.no_grad():
            for batch in batches:
                inputs = model.data_preprocessor(batch, False)["inputs"]
                views = [inputs] if isinstance(inputs, torch.Tensor) else list(inputs[:2])
                found.append(function(model, views))
                images += len(views[0])
    finally:
        restore_rng(state)
        model.train(training)
    return {
        "contrastive_accuracy": _mean([one.hits for one in found]),
        "candidates": found[0].candidates,
        "reconstruction_error": _mean([one.error for one in found]),
        "images": images,
    }


def _mean(values: list[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None
