"""Multinomial logistic regression for many strengths of the penalty at once.

Minimises what scikit-learn's ``LogisticRegression`` minimises: the summed cross-entropy plus
``|W|² / 2C``, the intercept free; a test holds it to scikit-learn's optimum. All values of C
share each product with the features, by L-BFGS (Nocedal & Wright, Numerical Optimization,
algorithm 7.4) with steps of their own.

The features are turned into the axes of their covariance first, which changes neither logits nor
penalty. There the curvature is close to diagonal, ``a·variance + 1/(C·n)`` with ``a`` that of
uniform guesses, and its inverse is the first guess of L-BFGS: correlated features, on which the
plain method takes hundreds of steps, cost no more than others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_PAIRS = 10
"""Steps that L-BFGS remembers; scikit-learn's number."""
_HALVINGS = 20
_ARMIJO = 1e-4
_LOGITS = 2**25
"""Entries of one matrix of logits at most: bounds memory for large sets."""
_TOLERANCE = {torch.float32: 2e-8, torch.float64: 1e-10}
"""Estimated distance to the optimum, relative to the loss, at which a fit has converged."""

_STUCK = 1e-6
"""The same, where rounding lets no step lower the loss any more."""


@dataclass(frozen=True)
class Logistic:
    """One fitted classifier.

    Attributes:
        weight: Of each class and feature, (C, D).
        intercept: Of each class, (C,).
        classes_: Class indices, ascending.
        loss: Mean objective at the end.
        steps: Steps taken.
        converged: Whether that was enough of them.
    """

    weight: NDArray[np.float64]
    intercept: NDArray[np.float64]
    classes_: NDArray[np.int64]
    loss: float
    steps: int
    converged: bool

    def _logits(self, x: NDArray[np.floating]) -> NDArray[np.float64]:
        logits: NDArray[np.float64] = x @ self.weight.T.astype(x.dtype) + self.intercept
        return logits

    def predict(self, x: NDArray[np.floating]) -> NDArray[np.int64]:
        """Returns the likeliest class of each row."""
        found: NDArray[np.int64] = self.classes_[self._logits(x).argmax(axis=1)]
        return found

    def predict_proba(self, x: NDArray[np.floating]) -> NDArray[np.float64]:
        """Returns each class's probability, (N, C)."""
        logits = self._logits(x)
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
        return shares

    def score(self, x: NDArray[np.floating], y: NDArray[np.int64]) -> float:
        """Returns the accuracy."""
        return float(np.mean(self.predict(x) == y))


def fit_sweep(
    x: NDArray[np.floating],
    y: NDArray[np.int64],
    strengths: Sequence[float],
    max_iter: int,
    dtype: str = "float32",
    device: str | torch.device = "cpu",
    step: Callable[[int], None] = lambda done: None,
) -> list[Logistic]:
    """Fits all strengths.

    Args:
        x: Standardised features (N, D).
        y: Class indices (N,).
        strengths: Values of C, the inverse strength of the penalty.
        max_iter: Steps at most.
        dtype: ``float32`` or ``float64``, of features and weights.
        device: Where to compute.
        step: Called after each step with the number of strengths that are done.

    Returns:
        A classifier for each strength.
    """
    kind = {"float32": torch.float32, "float64": torch.float64}[dtype]
    classes, labels = np.unique(y, return_inverse=True)
    problem = _Problem(
        torch.as_tensor(x, dtype=kind, device=device),
        torch.as_tensor(labels, device=device),
        len(classes),
        torch.as_tensor(np.asarray(strengths), dtype=kind, device=device),
    )
    weights, losses, steps, done = _minimise(problem, max_iter, _TOLERANCE[kind], step)
    # back from the axes of the covariance
    own = (problem.axes @ weights[:, :-1]).transpose(1, 2).double().cpu().numpy()
    free = weights[:, -1].double().cpu().numpy()
    return [
        Logistic(own[i], free[i], classes, float(losses[i]), int(steps[i]), bool(done[i]))
        for i in range(len(strengths))
    ]


class _Problem:
    """The mean objective of every strength; weights are (K, D + 1, C), the last row free.

    Attributes:
        axes: Axes of the covariance (D, D), by columns.
        guess: The inverse of the guessed curvature (K, D + 1, 1).
    """

    def __init__(self, x: Tensor, labels: Tensor, classes: int, strengths: Tensor) -> None:
        self.number, self.width = x.shape
        self.classes = classes
        covariance = (x.T @ x).double() / self.number
        variance, axes = torch.linalg.eigh(covariance)
        self.axes = axes.to(x.dtype)
        self._x, self._labels = x @ self.axes, labels
        # scikit-learn fits two classes with one vector, of which these two are the halves
        penalty = (2 if classes == 2 else 1) / (strengths * self.number)
        curvature = (1 - 1 / classes) / classes
        self.penalty = penalty[:, None, None].repeat(1, self.width + 1, 1)
        self.penalty[:, -1] = 0
        spread = torch.ones(self.width + 1, dtype=x.dtype, device=x.device)
        spread[:-1] = variance.clamp(min=0).to(x.dtype)
        self.guess = 1 / (curvature * spread[None, :, None] + self.penalty)

    def start(self) -> Tensor:
        """Returns weights of zero."""
        shape = (len(self.penalty), self.width + 1, self.classes)
        return torch.zeros(shape, dtype=self._x.dtype, device=self._x.device)

    def __call__(self, weights: Tensor, which: Tensor) -> tuple[Tensor, Tensor]:
        """Returns loss (k,), in double precision, and gradient of some of the strengths."""
        k, rows, classes = weights.shape
        flat = weights.transpose(0, 1).reshape(rows, k * classes)
        loss = torch.zeros(k, dtype=torch.float64, device=weights.device)
        total = torch.zeros_like(flat)
        chunk = max(1, _LOGITS // (k * classes))
        for begin in range(0, self.number, chunk):
            x, labels = self._x[begin : begin + chunk], self._labels[begin : begin + chunk]
            logits = torch.addmm(flat[-1], x, flat[:-1]).view(len(x), k, classes)
            logits -= logits.amax(dim=2, keepdim=True)
            place = labels[:, None, None].expand(len(x), k, 1)
            own = logits.gather(2, place).squeeze(2)
            shares = logits.exp_()
            sums = shares.sum(dim=2, keepdim=True)
            loss += (sums.squeeze(2).log() - own).sum(dim=0, dtype=torch.float64)
            shares /= sums
            shares.scatter_add_(2, place, -torch.ones_like(sums))
            residual = shares.view(len(x), k * classes)
            total[:-1].addmm_(x.T, residual)
            total[-1] += residual.sum(dim=0)
        penalty = self.penalty[which]
        gradient = total.view(rows, k, classes).transpose(0, 1) / self.number + penalty * weights
        squares = (penalty * weights * weights).sum(dim=(1, 2), dtype=torch.float64)
        return loss / self.number + squares / 2, gradient


def _dot(one: Tensor, other: Tensor) -> Tensor:
    return (one * other).sum(dim=(1, 2))


def _minimise(
    problem: _Problem, max_iter: int, tolerance: float, step: Callable[[int], None]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Returns weights, losses, steps and whether they converged, of each strength."""
    final = problem.start()
    number = len(final)
    losses = torch.zeros(number, dtype=torch.float64)
    steps, done = torch.zeros(number, dtype=torch.int64), torch.zeros(number, dtype=torch.bool)
    active = torch.arange(number, device=final.device)
    weights = final.clone()
    loss, gradient = problem(weights, active)
    pairs: list[tuple[Tensor, Tensor, Tensor]] = []
    stuck = torch.zeros(number, dtype=torch.bool, device=final.device)
    for taken in range(max_iter + 1):
        direction = _direction(gradient, pairs, problem.guess[active])
        slope = _dot(gradient, direction)
        # half of it is the distance to the minimum if the curvature is as guessed
        left = -slope / 2 / loss
        near = (left <= tolerance) | stuck & (left <= _STUCK)
        stop = near | stuck | (taken == max_iter)
        if bool(stop.any()):
            gone = active[stop]
            final[gone] = weights[stop]
            losses[gone.cpu()], steps[gone.cpu()] = loss[stop].cpu(), taken
            done[gone.cpu()] = near[stop].cpu()
            stay = ~stop
            active, weights, loss = active[stay], weights[stay], loss[stay]
            gradient, direction, slope = gradient[stay], direction[stay], slope[stay]
            pairs = [(s[stay], y[stay], r[stay]) for s, y, r in pairs]
        step(number - len(active))
        if not len(active):
            break
        new, new_loss, new_gradient, stuck = _search(
            problem, active, weights, loss, gradient, direction, slope
        )
        s, y = new - weights, new_gradient - gradient
        curved = _dot(s, y)
        inverse = torch.where(curved > 0, 1 / curved.clamp(min=1e-30), torch.zeros_like(curved))
        pairs = [*pairs[-(_PAIRS - 1) :], (s, y, inverse)]
        weights, loss, gradient = new, new_loss, new_gradient
    return final, losses, steps, done


def _direction(
    gradient: Tensor, pairs: list[tuple[Tensor, Tensor, Tensor]], guess: Tensor
) -> Tensor:
    """The two loops of L-BFGS from the guessed curvature; a pair of no curvature has no part."""
    q = gradient.clone()
    kept: list[Tensor] = []
    for s, y, inverse in reversed(pairs):
        share = inverse * _dot(s, q)
        q -= share[:, None, None] * y
        kept.append(share)
    q = guess * q
    if pairs:
        s, y, _ = pairs[-1]
        # the guess times the scale that the last step shows it should have
        own = _dot(y, guess * y)
        scale = torch.where(own > 0, _dot(s, y) / own.clamp(min=1e-30), torch.ones_like(own))
        q = q * torch.where(scale > 0, scale, torch.ones_like(scale))[:, None, None]
    for (s, y, inverse), share in zip(pairs, reversed(kept), strict=True):
        q += (share - inverse * _dot(y, q))[:, None, None] * s
    return -q


def _search(
    problem: _Problem,
    active: Tensor,
    weights: Tensor,
    loss: Tensor,
    gradient: Tensor,
    direction: Tensor,
    slope: Tensor,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Halves the steps until each lowers its loss enough; says which found none to do so.

    In single precision that happens at the minimum, where rounding hides what is left.
    """
    new, new_loss, new_gradient = weights.clone(), loss.clone(), gradient.clone()
    length = torch.ones_like(slope)
    open_ = torch.arange(len(active), device=active.device)
    for _ in range(_HALVINGS):
        tried = weights[open_] + length[open_, None, None] * direction[open_]
        found, slopes = problem(tried, active[open_])
        good = found <= loss[open_] + _ARMIJO * length[open_] * slope[open_]
        right = open_[good]
        new[right], new_loss[right], new_gradient[right] = tried[good], found[good], slopes[good]
        open_ = open_[~good]
        if not len(open_):
            break
        length[open_] /= 2
    stuck = torch.zeros(len(active), dtype=torch.bool, device=active.device)
    stuck[open_] = True
    return new, new_loss, new_gradient, stuck
