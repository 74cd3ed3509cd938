"""Linear SVMs on frozen, L2-normalised features: PASCAL VOC's classes one against the rest.

Source: facebookresearch/fair_self_supervision_benchmark, `tools/svm` (Goyal et al. 2019, arXiv
1905.01235). Labels are the devkit's: 1 there, -1 not there, 0 there but difficult.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..engine.capture import Stopwatch, peak_memory_mib
from ..engine.progress import report
from ..errors import BenchError
from ..record import Cost
from .context import Context, Outcome
from .features import Features, extract, unit

CONFIG_KEYS = ("svm",)
"""Top-level config keys that this adapter reads; see `mrcl_bench.config_keys`."""

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


def classifier(cost: float, max_iter: int, seed: int) -> Any:
    """An untrained SVM; positives weigh twofold."""
    from sklearn.svm import LinearSVC

    return LinearSVC(
        C=cost,
        class_weight={1: 2, -1: 1},
        loss="squared_hinge",
        intercept_scaling=1.0,
        tol=1e-4,
        dual=True,
        max_iter=max_iter,
        random_state=seed,
    )


def average_precision(labels: Labels, scores: Floats) -> float:
    """Area under precision over recall, precision made falling as in VOC's later years.

    Args:
        labels: 1 or -1 (N,); pictures with 0 are left out.
        scores: Scores (N,).

    Returns:
        0 … 1.

    Raises:
        BenchError: No picture is positive.
    """
    kept = labels != 0
    hits = labels[kept][np.argsort(-scores[kept], kind="stable")] == 1
    if not hits.any():
        raise BenchError(
            "a class has no picture that shows it, so it has no average precision.",
            "Look at the image sets of the devkit.",
        )
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    falling = np.maximum.accumulate(precision[::-1])[::-1]
    return float(falling[hits].mean())


def normalised(feats: Features) -> dict[str, Floats]:
    """Split to features of unit length, in double precision as the source has them."""
    return {split: unit(x).astype(np.float64) for split, x in feats.x.items()}


def mean_precision(labels: Labels, scores: Floats) -> float:
    """Mean over classes of `average_precision`; labels and scores (N, classes)."""
    pairs = zip(labels.T, scores.T, strict=True)
    return float(np.mean([average_precision(y, score) for y, score in pairs]))


def run(context: Context) -> Outcome:
    """Fits all of trainval; the config's ``svm`` block holds folds and costs."""
    from sklearn.model_selection import cross_val_score

    watch = Stopwatch()
    feats = extract(context)
    svm, seed = context.config.svm, context.job.seed
    x, y = normalised(feats), feats.y
    # as in the source, difficult pictures are negatives while training
    targets = np.where(y["train"] == 1, 1, -1)
    costs = [float(cost) for cost in svm.cost]
    classes = targets.shape[1]
    scores = np.zeros((len(y["val"]), classes))
    chosen, cross_validated = [], []
    for index in range(classes):
        found = [
            cross_val_score(
                classifier(cost, svm.max_iter, seed),
                x["train"],
                targets[:, index],
                cv=svm.folds,
                scoring="average_precision",
            ).mean()
            for cost in costs
        ]
        best = int(np.argmax(found))
        chosen.append(best)
        cross_validated.append(float(found[best]))
        model = classifier(costs[best], svm.max_iter, seed).fit(x["train"], targets[:, index])
        scores[:, index] = model.decision_function(x["val"])
        report(index + 1, classes, f"SVM, seed {seed}")
    outcome = Outcome(
        metrics={"val/mAP": mean_precision(y["val"], scores)},
        cost=Cost(
            images_seen=len(targets), seconds=watch.seconds, peak_memory_mib=peak_memory_mib()
        ),
        load_report=feats.load_report,
        choices={
            "costs": " ".join(f"{costs[best]:g}" for best in chosen),
            "cross_validated_mAP": float(np.mean(cross_validated)),
        },
        arrays={"val_scores": scores.astype(np.float32), "val_labels": y["val"].astype(np.int8)},
    )
    if {0, len(costs) - 1} & set(chosen):
        outcome.flags.append("chosen value at the edge of the sweep")
    return outcome
