"""Weighted k-nearest-neighbour classification on frozen, L2-normalised features.

Votes are weighted by exp(similarity / T) as in Wu et al. 2018 (arXiv 1805.01978) and DINO;
k is chosen on a part of *train* that is held out anew for every seed, and the other part is
the bank.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..engine.capture import Stopwatch, peak_memory_mib
from ..engine.progress import report
from ..errors import BenchError
from ..record import Cost
from .context import Context, Outcome
from .features import extract, held_out, pooling, unit
from .neighbours import keep_neighbours
from .scores import Shares

CONFIG_KEYS = ("knn",)
"""Top-level config keys that this adapter reads beside the Runner's."""
_SIMILARITIES = 2**25
"""Entries of one similarity matrix at most (128 MiB): bounds memory for large banks."""


def predict(
    bank: NDArray[np.float32],
    labels: NDArray[np.int64],
    queries: NDArray[np.float32],
    ks: list[int],
    temperature: float,
    keep: Callable[[NDArray[np.float64]], None] | None = None,
) -> dict[int, NDArray[np.int64]]:
    """Classifies queries for several k from one sorting.

    Args:
        bank: Features (N, C).
        labels: Their classes (N,).
        queries: Features (M, C).
        ks: Numbers of neighbours, each at most N.
        temperature: T of the vote's weight.
        keep: Called with the votes (queries, classes) of each chunk of queries, for each k.

    Returns:
        k to predicted classes (M,).

    Raises:
        BenchError: A k is larger than the bank.
    """
    largest = max(ks)
    if largest > len(bank):
        raise BenchError(
            f"k-NN with k={largest} needs as many training images, there are {len(bank)}.",
            "Lower knn.k in the protocol's config.",
        )
    bank, queries = unit(bank), unit(queries)
    classes = int(labels.max()) + 1
    chunk = max(1, _SIMILARITIES // len(bank))
    out: dict[int, list[NDArray[np.int64]]] = {k: [] for k in ks}
    for begin in range(0, len(queries), chunk):
        similarity = queries[begin : begin + chunk] @ bank.T
        top = np.argpartition(-similarity, largest - 1, axis=1)[:, :largest]
        values = np.take_along_axis(similarity, top, axis=1)
        order = np.argsort(-values, axis=1, kind="stable")
        top = np.take_along_axis(top, order, axis=1)
        weights = np.exp(np.take_along_axis(values, order, axis=1).astype(np.float64) / temperature)
        for k in ks:
            votes = np.zeros((len(top), classes))
            np.add.at(votes, (np.arange(len(top))[:, None], labels[top[:, :k]]), weights[:, :k])
            out[k].append(votes.argmax(axis=1))
            if keep is not None:
                keep(votes)
    return {k: np.concatenate(parts) for k, parts in out.items()}


def run(context: Context) -> Outcome:
    """Scores k-NN; the config's ``knn`` block holds k, T and the held-out share."""
    watch = Stopwatch()
    feats = extract(context)
    knn = context.config.knn
    seed = context.job.seed
    hidden = held_out(feats.y["train"], knn.held_out, seed)
    x, y = feats.x["train"], feats.y["train"]
    bank, labels = x[~hidden], y[~hidden]
    ks = [int(k) for k in knn.k]
    held = predict(bank, labels, x[hidden], ks, knn.temperature)
    scores = {k: float(np.mean(prediction == y[hidden])) for k, prediction in held.items()}
    k = max(ks, key=lambda candidate: scores[candidate])
    outcome = Outcome(
        metrics={},
        cost=Cost(images_seen=len(bank), seconds=0.0, peak_memory_mib=peak_memory_mib()),
        load_report=feats.load_report,
        choices={
            "k": k,
            "temperature": knn.temperature,
            "held_out_accuracy": scores[k],
            "normalisation": "L2",
            "pooling": pooling(context.config),
        },
    )
    for split in ("val", "novel"):
        if split in feats.x:
            shares = Shares(feats.y[split])
            guess = predict(bank, labels, feats.x[split], [k], knn.temperature, shares.add)[k]
            right = guess == feats.y[split]
            outcome.metrics[f"{split}/accuracy"] = float(np.mean(right))
            outcome.arrays[f"{split}_correct"] = right
            outcome.arrays[f"{split}_score"] = shares.of_truth
            report(1, 1, f"k-NN, seed {seed}")
    outcome.cost = outcome.cost.model_copy(update={"seconds": watch.seconds})
    keep_neighbours(context, feats, np.flatnonzero(~hidden))
    return outcome
