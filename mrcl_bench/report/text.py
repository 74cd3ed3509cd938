"""Numbers and captions as text: every rounding and every sentence of a table."""

from __future__ import annotations

from collections.abc import Sequence

from ..compare import Apart, Cell, Column, Gain
from ..compare.stats import NEAR_ERRORS
from ..metrics import Metric, metric_of
from ..record import Cost

MISSING = "—"
APART = "†"
BEST_SIGN = "{best}"
"""Stands in notes for what a renderer makes of the best cell."""
PLUS_MINUS = (
    "±: standard deviation over {n} downstream seeds ({varies}); pretraining was run once per "
    "recipe, so its own spread is not in it."
)
VARIES = "probes: which part of train is fitted; trained heads: initialisation and order"
BEST = (
    "{best}: best of method and baselines; ≈: within {errors:g} standard errors of it, not "
    "separable by so few seeds. Rows set apart are references, not ranked."
)
SINGLE = "Single seed: no spread known, so no ± and no ≈."
SOME_SINGLE = "Cells without ± have a single seed: no spread known, so no ≈."
PARTIAL = "n/N: only n of N seeds have a result; such a cell is not ranked."
FAILED = "A word in place of a number: every seed tried failed, and how."
MISSING_NOTE = f"{MISSING}: no record."
APART_NOTE = (
    f"{APART}: measured, but not comparable; shown apart, with the reason, in its task's table."
)
SHAPES = (
    "{data}: drawn shapes stood in for photographs; these numbers say nothing about real images."
)
MEAN_RANK = (
    "Mean rank: over all columns, each once, 1 is best; — with n/N where only n of N columns "
    "have a result of every ranked recipe."
)
MIXED_CHECKPOINTS = (
    "{recipe}: its columns come from different checkpoints; run its older jobs again before "
    "reading along the row."
)
GAIN = (
    "Difference of means ± its standard error; p: Welch's t-test, two-sided, not corrected for "
    "the number of comparisons, over downstream seeds only.",
    "— where a cell is incomplete, or a single seed leaves the spread unknown.",
)
COST_TITLES = ("images seen", "epochs", "seconds", "encoder GFLOPs", "peak MiB")
COST = (
    "An image with two views counts once; GFLOPs: one forward pass, multiply-add = 2; seconds and "
    "peak memory depend on the machine. —: no pretraining, or not recorded.",
)


def metric_title(column: Column, with_split: bool = False) -> str:
    """Returns a column's title, with the split where a protocol reports several."""
    split = column.key.rpartition("/")[0]
    return f"{split} {column.metric.display}" if with_split and split else column.metric.display


def cell(shown: Cell, metric: Metric) -> str:
    """Returns a cell's text, rounded to the metric's digits."""
    spread = shown.spread
    if spread is None:
        if shown.state == "failed":
            return ", ".join(sorted(set(shown.failures)))
        return APART if shown.state == "apart" else MISSING
    value = f"{spread.mean * metric.scale:.{metric.digits}f}"
    if spread.std is not None:
        value += f" ±{spread.std * metric.scale:.{metric.digits}f}"
    if shown.state == "partial":
        value += f" {spread.n}/{shown.expected}"
    return value


def apart(shown: Apart) -> str:
    """Returns the result of a record that stands apart."""
    metric = metric_of(shown.key)
    return f"{metric.display} {cell(shown.cell, metric)}"


def gain(shown: Gain | None, metric: Metric) -> tuple[str, str]:
    """Returns a gain and its p value as text."""
    if shown is None:
        return MISSING, MISSING
    value = f"{shown.difference * metric.scale:+.{metric.digits}f}"
    if shown.error is not None:
        value += f" ±{shown.error * metric.scale:.{metric.digits}f}"
    if shown.p is None:
        return value, MISSING
    return value, "<0.001" if shown.p < 0.001 else f"{shown.p:.3f}"


def cost(shown: Cost | None) -> tuple[str, ...]:
    """Returns the texts below `COST_TITLES`."""
    if shown is None:
        return (MISSING,) * len(COST_TITLES)
    return (
        _thousands(shown.images_seen),
        MISSING if shown.epochs is None else f"{shown.epochs:g}",
        _thousands(round(shown.seconds)),
        MISSING if shown.encoder_gflops is None else f"{shown.encoder_gflops:.3g}",
        _thousands(round(shown.peak_memory_mib)),
    )


def unequal_budgets(least: int, most: int) -> str:
    """Returns the warning that recipes did not see equally many images."""
    return (
        f"Budgets differ: method and baselines saw between {_thousands(least)} and "
        f"{_thousands(most)} images."
    )


def legend(columns: Sequence[Column]) -> list[str]:
    """Returns the sentences that explain the signs which really occur in the columns."""
    cells = [c for column in columns for c in column.cells.values()]
    counts = {len(c.values) for c in cells if c.values}
    states = {str(c.state) for c in cells}
    lines = []
    many = sorted(n for n in counts if n > 1)
    if many:
        n = str(many[0]) if len(many) == 1 else f"{many[0]} to {many[-1]}"
        lines.append(PLUS_MINUS.format(n=n, varies=VARIES))
    if 1 in counts:
        lines.append(SOME_SINGLE if many else SINGLE)
    if any(c.mark for c in cells):
        lines.append(BEST.format(best=BEST_SIGN, errors=NEAR_ERRORS))
    for state, line in (
        ("partial", PARTIAL),
        ("failed", FAILED),
        ("missing", MISSING_NOTE),
        ("apart", APART_NOTE),
    ):
        if state in states:
            lines.append(line)
    return lines


def data_notes(columns: Sequence[Column]) -> list[str]:
    """Returns a sentence for each data set in which drawn shapes stood in for photographs."""
    fallback = sorted({c.data.id for c in columns if c.data.shapes_fallback})
    return [SHAPES.format(data=data) for data in fallback]


def _thousands(number: int) -> str:
    return f"{number:,}".replace(",", "\u202f")
