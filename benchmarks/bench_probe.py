"""A linear probe with a sweep of 12 strengths, against a forward pass and scikit-learn; k-NN."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .timing import Measurement, Target, interleave

STRENGTHS = np.logspace(-5, -1, 12).tolist()


def features(
    number: int, width: int, classes: int, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Draws features as pooled ReLU maps are: not negative, correlated, of falling spectrum."""
    fixed = np.random.default_rng(0)
    mix = fixed.normal(size=(width, width)).astype(np.float32) / np.float32(np.sqrt(width))
    spectrum = (np.arange(width, dtype=np.float32) + 1) ** np.float32(-0.5)
    centres = fixed.normal(size=(classes, width)).astype(np.float32)
    rng = np.random.default_rng(seed + 1)
    y = rng.integers(0, classes, number)
    noise = rng.normal(size=(number, width)).astype(np.float32)
    x = ((0.5 * centres[y] + 2 * noise) * spectrum) @ mix
    return np.maximum(x + np.float32(0.1), 0), y


def _passes(forward: Callable[[], None], runs: int) -> list[float]:
    """Returns times of the processor: of the rest of the machine they know little."""
    found = []
    for _ in range(runs):
        begin = time.process_time()
        forward()
        found.append(time.process_time() - begin)
    return found


def measure(quick: bool) -> list[Measurement]:
    """ResNet-50's 2,048 features of 10,000 images of 100 classes."""
    import torch
    import torchvision
    from sklearn.linear_model import LogisticRegression

    from mrcl_bench.jobs.knn import predict
    from mrcl_bench.jobs.logistic import fit_sweep

    number, width, classes, seen = (600, 128, 10, 32) if quick else (10_000, 2048, 100, 128)
    x, y = features(number, width, classes, 0)
    asked, truth = features(2000, width, classes, 1)
    mean, spread = x.mean(axis=0), x.std(axis=0) + 1e-9
    x, asked = (x - mean) / spread, (asked - mean) / spread
    network = torchvision.models.resnet50().eval()
    batch = torch.rand(16, 3, 224, 224)

    def forward() -> None:
        with torch.inference_mode():
            network(batch)

    fits: list[Any] = []
    forward()
    before = _passes(forward, seen // 32)
    begin = time.process_time()
    fits += fit_sweep(x, y, STRENGTHS, 500)
    solved = time.process_time() - begin
    after = _passes(forward, seen // 32)
    passes = [one / len(batch) * number for one in before + after]
    begin = time.process_time()
    # one in the middle: each alone takes scikit-learn minutes
    middle = STRENGTHS[5:6]
    models = [LogisticRegression(C=c, max_iter=1000).fit(x.astype(np.float64), y) for c in middle]
    slow = (time.process_time() - begin) / len(middle) * len(STRENGTHS)
    apart = [
        abs(fit.score(asked, truth) - model.score(asked, truth))
        for fit, model in zip(fits[5:6], models, strict=True)
    ]
    times = {
        "scikit-learn, one by one": [slow],
        "batched": [solved],
        "one forward pass": passes,
        "forward pass and batched": [one + solved for one in passes],
    }
    probe = Measurement(
        f"Linear probe, 12 strengths, {number:,} x {width:,}, {classes} classes, processor time",
        times,
        "one forward pass",
        [Target("forward pass and batched", "one forward pass", 1 / 1.5)],
        {
            "forward pass": "ResNet-50, random weights, 224 px, scaled from "
            f"{len(batch) * len(passes)} images to {number:,}",
            "scikit-learn": "scaled from one of the 12 strengths",
            "largest difference of accuracy": max(apart),
            "steps": ", ".join(str(fit.steps) for fit in fits),
            "converged": all(fit.converged for fit in fits),
        },
    )
    labels = y.astype(np.int64)
    contestants = {
        "matrix products alone": lambda: asked @ x.T,
        "k-NN": lambda: predict(x, labels, asked, [10, 20, 100, 200], 0.07),
    }
    knn = Measurement(
        f"k-NN, 4 values of k, 2,000 queries, bank {number:,} x {width:,}",
        interleave(contestants, 3),
        "matrix products alone",
    )
    return [probe, knn]
