"""Linear SVMs from k pictures a class; a seed is one draw of them.

Source: facebookresearch/fair_self_supervision_benchmark, `create_voc_low_shot_samples.py` and
`train_svm_low_shot.py`. There the cost is the best on test; here it is the best on what was not
drawn of trainval.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.capture import Stopwatch, peak_memory_mib
from ..engine.progress import report
from ..errors import BenchError
from ..record import Cost
from .context import Context, Outcome
from .features import extract
from .svm import Floats, Labels, average_precision, classifier, normalised

CONFIG_KEYS = ("svm",)
"""Top-level config keys that this adapter reads; see `mrcl_bench.config_keys`."""


def draw(labels: Labels, k: int, seed: int) -> Labels:
    """Draws k positives and (classes - 1) k negatives of every class.

    Args:
        labels: 1, -1 or 0 (N, classes).
        k: Positives per class.
        seed: The job's seed; every k is drawn anew.

    Returns:
        Like ``labels``, but 0 wherever a picture was not drawn for a class.

    Raises:
        BenchError: A class has too few pictures.
    """
    rng = np.random.default_rng([seed, k])
    drawn = np.zeros_like(labels)
    for index in range(labels.shape[1]):
        for sign, count in ((1, k), (-1, k * (labels.shape[1] - 1))):
            members = np.flatnonzero(labels[:, index] == sign)
            if len(members) < count:
                raise BenchError(
                    f"class {index} has {len(members)} pictures with label {sign}; "
                    f"k={k} needs {count}.",
                    "Lower svm.shots in the protocol's config.",
                )
            drawn[rng.choice(members, count, replace=False), index] = sign
    return drawn


def run(context: Context) -> Outcome:
    """Scores every k; the config's ``svm`` block holds shots and costs."""
    watch = Stopwatch()
    feats = extract(context)
    svm, seed = context.config.svm, context.job.seed
    x, y = normalised(feats), feats.y
    costs = [float(cost) for cost in svm.cost]
    metrics: dict[str, float] = {}
    choices: dict[str, float | int | str] = {}
    edge = False
    for step, k in enumerate(svm.shots):
        drawn = draw(y["train"], int(k), seed)
        held = np.zeros((drawn.shape[1], len(costs)))
        test = np.zeros_like(held)
        for index, target in enumerate(drawn.T):
            fitted = target != 0
            rest = np.where(fitted, 0, y["train"][:, index])
            for position, cost in enumerate(costs):
                model = classifier(cost, svm.max_iter, seed)
                model.fit(x["train"][fitted], target[fitted])
                held[index, position] = _precision(model, x["train"], rest)
                test[index, position] = _precision(model, x["val"], y["val"][:, index])
        best = int(np.argmax(held.mean(axis=0)))
        edge |= best in (0, len(costs) - 1)
        metrics[f"val/mAP_{k}"] = float(test[:, best].mean())
        choices[f"cost_{k}"] = costs[best]
        report(step + 1, len(svm.shots), f"low-shot SVM, seed {seed}")
    outcome = Outcome(
        metrics=metrics,
        cost=Cost(
            images_seen=len(y["train"]), seconds=watch.seconds, peak_memory_mib=peak_memory_mib()
        ),
        load_report=feats.load_report,
        choices=choices,
    )
    if edge:
        outcome.flags.append("chosen value at the edge of the sweep")
    return outcome


def _precision(model: Any, x: Floats, labels: Labels) -> float:
    return average_precision(labels, model.decision_function(x))
