"""Linear probe on frozen features: multinomial logistic regression by L-BFGS.

The features are standardised with the statistics of the fitted part of train, which is what
the parameter-free batch norm before MAE's linear head does. The inverse L2 strength is chosen
on a part of *train* that is held out anew for every seed; the other part is fitted. The
reporting splits are touched once, after the choice.

``probe.solver`` is ``sklearn``, one strength after the other in double precision, or ``batched``,
all at once (`mrcl_bench.jobs.logistic`): the same optimum, but not the same last digits.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..engine.capture import Stopwatch, peak_memory_mib
from ..engine.progress import report
from ..errors import unknown_name
from ..record import Cost
from .context import Context, Outcome
from .features import extract, held_out
from .scores import of_truth

CONFIG_KEYS = ("probe",)
"""Top-level config keys that this adapter reads beside the Runner's."""


def run(context: Context) -> Outcome:
    """Fits and scores the probe; the config's ``probe`` block holds the sweep."""
    from sklearn.preprocessing import StandardScaler

    watch = Stopwatch()
    feats = extract(context)
    probe = context.config.probe
    seed = context.job.seed
    hidden = held_out(feats.y["train"], probe.held_out, seed)
    x, y = feats.x["train"], feats.y["train"]
    scaler = StandardScaler().fit(x[~hidden])
    fit_x, fit_y = scaler.transform(x[~hidden]), y[~hidden]
    choose_x, choose_y = scaler.transform(x[hidden]), y[hidden]

    best: tuple[float, float, Any] | None = None
    sweep = list(probe.inverse_l2)
    for strength, model in _fits(probe, fit_x, fit_y, seed):
        score = float(model.score(choose_x, choose_y))
        if best is None or score > best[0]:
            best = (score, strength, model)
    assert best is not None
    chosen_score, strength, model = best
    outcome = Outcome(
        metrics={},
        cost=Cost(images_seen=len(fit_y), seconds=watch.seconds, peak_memory_mib=peak_memory_mib()),
        load_report=feats.load_report,
        choices={"inverse_l2": strength, "held_out_accuracy": chosen_score},
    )
    if probe.get("solver", "sklearn") == "batched":
        outcome.choices["solver"] = f"batched, {probe.get('dtype', 'float32')}"
        if not model.converged:
            outcome.flags.append(f"not converged in {probe.max_iter} steps")
    if strength in (sweep[0], sweep[-1]):
        outcome.flags.append("chosen value at the edge of the sweep")
    for split in ("val", "novel"):
        if split in feats.x:
            asked = scaler.transform(feats.x[split])
            right = model.predict(asked) == feats.y[split]
            outcome.metrics[f"{split}/accuracy"] = float(np.mean(right))
            outcome.arrays[f"{split}_correct"] = right
            outcome.arrays[f"{split}_score"] = of_truth(
                model.predict_proba(asked), feats.y[split], model.classes_
            )
    return outcome


def _fits(
    probe: Any, x: NDArray[np.floating], y: NDArray[np.int64], seed: int
) -> Iterator[tuple[float, Any]]:
    """Yields each strength of the sweep with its classifier."""
    sweep, title = list(probe.inverse_l2), f"linear probe, seed {seed}"
    solver = probe.get("solver", "sklearn")
    if solver == "sklearn":
        from sklearn.linear_model import LogisticRegression

        for done, strength in enumerate(sweep, 1):
            yield strength, LogisticRegression(C=strength, max_iter=probe.max_iter).fit(x, y)
            report(done, len(sweep), title)
    elif solver == "batched":
        import torch

        from .logistic import fit_sweep

        device = "cuda" if torch.cuda.is_available() else "cpu"
        dtype = probe.get("dtype", "float32")
        fits = fit_sweep(
            x, y, sweep, probe.max_iter, dtype, device, lambda done: report(done, len(sweep), title)
        )
        yield from zip(sweep, fits, strict=True)
    else:
        raise unknown_name("solver of the linear probe", str(solver), ("sklearn", "batched"))
