"""A method against every other row, and average ranks, as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..compare.evidence import Evidence
from ..compare.pairs import Comparison, Comparisons
from ..compare.power import MOST_SEEDS
from ..compare.ranking import Ranking
from ..compare.summary import Summary
from . import text
from .views import Head, Row, Text, View

COLUMNS = (
    "backbone",
    "method",
    "other",
    "protocol",
    "metric",
    "difference",
    "error",
    "df",
    "low",
    "high",
    "p",
    "p_holm",
    "p_flips_holm",
    "effect",
    "seeds",
    "other_seeds",
    "verdict",
    "seeds_needed",
    "with_images",
    "bootstrap_low",
    "bootstrap_high",
    "resamples",
)


def view(profile: str, found: Comparisons, labels: Mapping[str, str]) -> View:
    """Returns the table of one method against the others."""
    bootstrap = any(c.bootstrap for c in found.rows)
    flips = any(c.p_flips is not None for c in found.rows)
    heads = [
        Head("", "difference"),
        Head("", "verdict"),
        Head("", "p (Holm)"),
        Head("", "seeds needed"),
        Head("95 % interval", "low"),
        Head("95 % interval", "high"),
        *(Head("bootstrap", end) for end in ("low", "high") if bootstrap),
        Head("", "p"),
        *(Head("", "p, sign flips (Holm)") for _ in range(flips)),
        Head("", "effect d"),
        Head("", "seeds"),
    ]
    shown = tuple(
        Row(
            f"{c.column.label}: {labels[c.other.name]}",
            _cells(c, bootstrap, flips),
            block=c.column.label,
        )
        for c in found.rows
    )
    known = [c for c in found.rows if c.with_images]
    notes = [text.COMPARISON, text.COMPARISON_TEST]
    if known:
        notes.append(text.COMPARISON_IMAGES)
    if len(known) < len(found.rows):
        notes.append(text.COMPARISON_SEEDS if known else text.COMPARISON_ONLY_SEEDS)
    if bootstrap:
        used = sorted({c.bootstrap.resamples for c in found.rows if c.bootstrap})
        notes.append(text.bootstrap(used[0], used[-1]))
    if flips:
        notes.append(text.SIGN_FLIPS)
    if any(c.verdict == "not separable" for c in found.rows):
        notes.append(text.NOT_SEPARABLE.format(most=MOST_SEEDS))
    if any(c.verdict == "untested" for c in found.rows):
        notes.append(text.UNTESTED)
    return View(
        f"Comparisons with {labels[found.method.name]}, {found.backbone}, profile {profile}",
        "protocol: other recipe",
        tuple(heads),
        shown,
        tuple(notes),
    )


def _cells(shown: Comparison, bootstrap: bool, flips: bool) -> tuple[Text, ...]:
    metric, found = shown.column.metric, shown.found
    a, b = (len(cell.values) for cell in shown.runs)
    drawn = shown.bootstrap
    ends = [found.low, found.high]
    if bootstrap:
        ends += [drawn.low, drawn.high] if drawn else [None, None]
    return (
        Text(text.signed(found.value, metric)),
        Text(shown.verdict, "" if shown.verdict in ("better", "worse") else "muted"),
        _text(text.p_value(shown.p_holm)),
        _text(_needed(shown)),
        *(_text(text.MISSING if end is None else text.signed(end, metric)) for end in ends),
        _text(text.p_value(found.p)),
        *(_text(text.p_value(shown.p_flips)) for _ in range(flips)),
        _text(text.MISSING if found.effect is None else f"{found.effect:+.1f}"),
        Text(str(a) if a == b else f"{a}, {b}"),
    )


def _needed(shown: Comparison) -> str:
    if shown.verdict != "not separable":
        return text.MISSING
    return f"> {MOST_SEEDS}" if shown.needed is None else str(shown.needed)


def _text(shown: str) -> Text:
    return Text(shown, "muted" if shown == text.MISSING else "")


def rows(found: Comparisons) -> list[dict[str, Any]]:
    """Returns one row per comparison at full precision, p values to six digits."""
    return [
        {
            "backbone": found.backbone,
            "method": found.method.name,
            "other": c.other.name,
            "protocol": c.column.protocol.name,
            "metric": c.column.key,
            "difference": c.found.value,
            "error": c.found.error,
            "df": text.six_digits(c.found.df),
            "low": text.six_digits(c.found.low),
            "high": text.six_digits(c.found.high),
            "p": text.six_digits(c.found.p),
            "p_holm": text.six_digits(c.p_holm),
            "p_flips_holm": text.six_digits(c.p_flips),
            "effect": text.six_digits(c.found.effect),
            "seeds": len(c.runs[0].values),
            "other_seeds": len(c.runs[1].values),
            "verdict": c.verdict,
            "seeds_needed": c.needed,
            "with_images": c.with_images,
            "bootstrap_low": c.bootstrap.low if c.bootstrap else None,
            "bootstrap_high": c.bootstrap.high if c.bootstrap else None,
            "resamples": c.bootstrap.resamples if c.bootstrap else None,
        }
        for c in found.rows
    ]


def ranking_view(profile: str, found: Ranking, labels: Mapping[str, str]) -> View:
    """Returns the table of average ranks over protocols."""
    best = next(iter(found.means.values()))
    rows = tuple(
        Row(
            labels[name],
            (
                Text(f"{mean:.2f}"),
                Text("best" if mean == best else "yes" if mean - best >= found.critical else "no"),
            ),
        )
        for name, mean in found.means.items()
    )
    return View(
        f"Average ranks over {len(found.columns)} protocols, {found.backbone}, profile {profile}",
        "recipe",
        (Head("", "average rank"), Head("", "differs from the best")),
        rows,
        (
            text.RANKING.format(
                columns=", ".join(column.label for column in found.columns),
                p=text.p_value(found.friedman_p),
                critical=f"{found.critical:.2f}",
            ),
            text.RANKING_LIMITS,
        ),
    )


def interval_view(
    profile: str, summary: Summary, evidence: Mapping[tuple[str, str], Evidence]
) -> View | None:
    """Returns the table of means with intervals over images and seeds; None without evidence."""
    columns = [c for c in summary.columns if (c.protocol.name, c.key) in evidence]
    if not columns:
        return None
    rows = []
    for recipe in summary.recipes:
        cells = []
        for column in columns:
            cell = column.cells[recipe.name]
            drawn = evidence[column.protocol.name, column.key].interval(recipe.name)
            shown = text.MISSING
            if drawn is not None and cell.state == "measured" and cell.spread is not None:
                low, mean, high = (
                    text.number(value, column.metric)
                    for value in (drawn.low, cell.spread.mean, drawn.high)
                )
                shown = f"{mean} [{low}, {high}]"
            cells.append(_text(shown))
        rows.append(
            Row(summary.labels[recipe.name], tuple(cells), recipe.name not in summary.ranks)
        )
    known = [evidence[c.protocol.name, c.key] for c in columns]
    used = sorted({each.resamples for each in known})
    lacking = sorted({summary.labels[name] for each in known for name in each.lacking})
    notes = [text.INTERVALS, text.bootstrap(used[0], used[-1])]
    if lacking:
        notes.append(text.LACKING.format(recipes=", ".join(lacking)))
    return View(
        f"Intervals over images and seeds, {summary.backbone}, profile {profile}",
        "recipe",
        tuple(Head(c.label, text.metric_title(c)) for c in columns),
        tuple(rows),
        tuple(notes),
    )
