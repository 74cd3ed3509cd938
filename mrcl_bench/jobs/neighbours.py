"""The training pictures that k-NN finds nearest to a few queries, kept for the report."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..thumbnails import keep, small
from .context import Context
from .features import Features, unit

QUERIES = 8
SHOWN = 5
SEED = 0
"""The seed whose neighbours are kept; the others differ in the bank only."""


def keep_neighbours(context: Context, feats: Features, bank: NDArray[np.int64]) -> None:
    """Writes ``neighbours.npz`` into the job's folder, for one seed.

    Queries are evenly spaced over val. Arrays: ``queries`` (Q,) and ``neighbours`` (Q, K), indices
    into val and train; ``similarity`` (Q, K), cosine; ``query_labels``, ``neighbour_labels``;
    ``query_images`` and ``neighbour_images``, uint8 RGB; ``classes``; ``weights``.

    Args:
        context: The job.
        feats: Features of train and val.
        bank: Indices into train of the pictures that may be found.
    """
    if context.job.seed == SEED:
        keep(context.work_dir / "neighbours.npz", lambda: _arrays(context, feats, bank))


def _arrays(context: Context, feats: Features, bank: NDArray[np.int64]) -> dict[str, Any]:
    from mmengine.registry import init_default_scope
    from mmpretrain.registry import DATASETS

    queries = np.linspace(0, len(feats.y["val"]) - 1, min(QUERIES, len(feats.y["val"]))).astype(int)
    similarity = unit(feats.x["val"][queries]) @ unit(feats.x["train"][bank]).T
    order = np.argsort(-similarity, axis=1, kind="stable")[:, :SHOWN]
    found = bank[order]
    init_default_scope("mmpretrain")
    sets = {s: DATASETS.build(context.config[f"{s}_dataloader"].dataset) for s in ("train", "val")}
    return {
        "queries": queries,
        "neighbours": found,
        "similarity": np.take_along_axis(similarity, order, axis=1),
        "query_labels": feats.y["val"][queries],
        "neighbour_labels": feats.y["train"][found],
        "query_images": _pictures(sets["val"], queries, feats.y["val"]),
        "neighbour_images": _pictures(sets["train"], found, feats.y["train"]),
        "classes": np.array(sets["val"].metainfo.get("classes") or [], dtype=np.str_),
        "weights": np.array(context.weights_sha256),
    }


def _pictures(dataset: Any, places: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[Any]:
    """Returns the pictures at indices of any shape; refuses another order than the features'."""
    pictures = []
    for place in places.ravel():
        item = dataset[int(place)]
        if int(item["data_samples"].gt_label) != labels[place]:
            raise ValueError(f"picture {place} has not the label that its features had")
        pictures.append(small(item["inputs"].permute(1, 2, 0).numpy()[..., ::-1]))
    return np.stack(pictures).reshape(*places.shape, *pictures[0].shape)
