"""Numbers and captions as text: every rounding and every sentence of a table."""

from __future__ import annotations

from collections.abc import Sequence

from ..compare import Apart, Cell, Column, Gain
from ..compare.stats import NEAR_ERRORS
from ..compare.variants import is_variant
from ..metrics import Metric, metric_of
from ..record import Cost

MISSING = "—"
APART = "†"
BROKEN = "§"
REHEARSAL = "rehearsal"
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
REHEARSAL_NOTE = (
    f"{REHEARSAL}: only a cut-down run that proves the pipeline; its numbers measure nothing."
)
VARIANTS_NOTE = (
    "variants: rows made from another row by changing single values; not ranked, because the best "
    "of them would be chosen on the split that is reported."
)
APART_NOTE = (
    f"{APART}: measured, but not comparable; shown apart, with the reason, in its task's table."
)
SHAPES = (
    "{data}: drawn shapes stood in for photographs; these numbers say nothing about real images."
)
BROKEN_NOTE = (
    f"{BROKEN}: measured without {{n}} broken images of {{data}}, as the user allowed; another "
    "number with the whole set is to be expected."
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
    "Difference of means ± its standard error; p: Welch's t-test, two-sided, over downstream seeds "
    "only, by Holm's correction for all comparisons of the table.",
    "— where a cell is incomplete, or a single seed leaves the spread unknown.",
)
COMPARISON = (
    "Difference: how much better the method is (negative: worse), in the metric's unit. Effect d: "
    "the same in standard deviations of a run over seeds (Cohen's d)."
)
COMPARISON_TEST = (
    "Verdict: p by Holm's correction over all comparisons of this table, at 5 %. Interval and p "
    "are of one comparison alone."
)
COMPARISON_IMAGES = (
    "The test is over seeds and images: a difference that other seeds or other images of the same "
    "kind would not repeat does not count."
)
COMPARISON_SEEDS = (
    "Where no bootstrap interval stands, per-image results are not kept: Welch's test over seeds, "
    "which speaks of these images only."
)
COMPARISON_ONLY_SEEDS = (
    "Welch's test over seeds: it speaks of these images only, and would call networks different "
    "that are equally good on others (docs/statistics.md). With per-image results, images count "
    "too: mrcl-bench compare --statistics."
)
SIGN_FLIPS = (
    "Sign flips: exact paired permutation test over seeds, by Holm's correction; it needs no model "
    "of the spread, but with S seeds its p is at least 2 / 2^S before the correction."
)
NOT_SEPARABLE = (
    "Not separable: not at these seeds, which is not the same as equal. Seeds needed: on each "
    "side, for 4 chances in 5 to tell the observed difference if it is the true one, at 5 % "
    "divided by the number of comparisons; an order of magnitude. > {most}: more seeds do not "
    "help; the difference is too small or the images are too few."
)
UNTESTED = "Untested: a single seed leaves the spread unknown, or nothing varies."
INTERVALS = "Mean [95 % interval]; methods were resampled together, over the same images and seeds."
LACKING = "—, or no pairing: per-image results are not kept for every seed of {recipes}."
RANKING = (
    "Columns: {columns}. Friedman's test that all are alike: p {p}. Nemenyi's critical difference "
    "at 5 %: {critical}; average ranks that lie closer cannot be told apart."
)
RANKING_LIMITS = (
    "Protocols on the same images are not independent tasks, so that the true difference needed "
    "is larger; with few protocols hardly anything can differ."
)
ABLATION = {
    "switches": "Each part on or off; everything else is the base recipe's.",
    "curve": "One value changed, everything else is the base recipe's; below, the base itself, "
    "with the value that its config gives.",
    "list": "What was changed in the base recipe; everything else is the same.",
}
ACROSS = (
    "Each block is one protocol config on one data set, hashes in its title; blocks have other "
    "configs or data and are not ranked against each other. Marks are within a block."
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
        return {"apart": APART, "rehearsal": REHEARSAL}.get(shown.state, MISSING)
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
    return value, p_value(shown.p_holm)


def p_value(p: float | None) -> str:
    """Returns a p value as text."""
    if p is None:
        return MISSING
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def six_digits(value: float | None) -> float | None:
    """Returns a number without the last digits, in which scipy's versions may differ."""
    return None if value is None else float(f"{value:.6g}")


def number(value: float, metric: Metric) -> str:
    """Returns a value in the metric's unit and digits."""
    return f"{value * metric.scale:.{metric.digits}f}"


def signed(value: float, metric: Metric) -> str:
    """Returns a difference in the metric's unit, with its sign and one more digit than a value."""
    return f"{value * metric.scale:+.{metric.digits + 1}f}"


def bootstrap(least: int, most: int) -> str:
    """Returns what a bootstrap interval is, and over how many resamples."""
    n = thousands(most) if least == most else f"{thousands(least)} to {thousands(most)}"
    return (
        f"Bootstrap: 95 % percentile interval over {n} resamples of images and, within them, of "
        "seeds; approximate where seeds are few, and no verdict comes from it."
    )


def cost(shown: Cost | None) -> tuple[str, ...]:
    """Returns the texts below `COST_TITLES`."""
    if shown is None:
        return (MISSING,) * len(COST_TITLES)
    return (
        thousands(shown.images_seen),
        MISSING if shown.epochs is None else f"{shown.epochs:g}",
        thousands(round(shown.seconds)),
        MISSING if shown.encoder_gflops is None else f"{shown.encoder_gflops:.3g}",
        thousands(round(shown.peak_memory_mib)),
    )


def budget(costs: Sequence[Cost], unknown: Sequence[str]) -> str | None:
    """Returns which budget of the ranked recipes is matched, and which is not.

    Args:
        costs: Their pretraining costs.
        unknown: Labels of those whose cost is not recorded.
    """
    if len(costs) + len(unknown) < 2:
        return None
    if unknown:
        return f"Budget: not known for {', '.join(unknown)}, so none is matched."
    images = sorted({cost.images_seen for cost in costs})
    if len(images) > 1:
        first = (
            f"Budgets differ: method and baselines saw between {thousands(images[0])} and "
            f"{thousands(images[-1])} images"
        )
    else:
        first = f"Budget matched: {thousands(images[0])} images of method and baselines"
    others = {
        "epochs": {cost.epochs for cost in costs},
        "encoder GFLOPs of one pass": {cost.encoder_gflops for cost in costs},
    }
    differ = [name for name, values in others.items() if len(values) > 1]
    return f"{first}; {' and '.join(differ)} differ." if differ else f"{first}."


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
        ("rehearsal", REHEARSAL_NOTE),
    ):
        if state in states:
            lines.append(line)
    names = {name for column in columns for name in column.cells}
    if any(is_variant(name, names) for name in names):
        lines.append(VARIANTS_NOTE)
    return lines


def data_notes(columns: Sequence[Column]) -> list[str]:
    """Returns a sentence for each data set with drawn shapes or without its broken images."""
    fallback = sorted({c.data.id for c in columns if c.data.shapes_fallback})
    broken = sorted({(c.data.id, c.data.broken_images) for c in columns if c.data.broken_images})
    return [
        *(SHAPES.format(data=data) for data in fallback),
        *(BROKEN_NOTE.format(data=data, n=thousands(count)) for data, count in broken),
    ]


def thousands(number: int) -> str:
    """Returns a whole number with a narrow space between thousands."""
    return f"{number:,}".replace(",", "\u202f")
