"""What a table shows, before any renderer: rounded text, marks and notes.

Rounding happens here and nowhere earlier.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ..compare import Column, Matrix, Summary
from ..compare.comparable import is_rehearsal
from ..compare.matrix import ranked_names
from ..compare.pairs import compare_methods
from ..compare.variants import is_variant
from ..record import Cost, Record
from . import text

VARIANTS = "variants"
Kind = Literal["", "best", "near", "muted", "failed", "published"]


@dataclass(frozen=True)
class Text:
    """A cell's text and what it means; each renderer finds its own dress for `kind`."""

    text: str
    kind: Kind = ""


@dataclass(frozen=True)
class Head:
    """A column's title and the group that it belongs to (its protocol, or empty)."""

    group: str
    title: str


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes:
        reference: Stands below a separator, outside the ranking.
        published: Was not measured here; stands last, below a separator of its own.
        block: Names a block of rows that are set apart from those before; rows of different
            blocks are never ranked against each other.
    """

    label: str
    cells: tuple[Text, ...]
    reference: bool = False
    published: bool = False
    block: str = ""

    @property
    def section(self) -> str:
        """The name of the block that the row belongs to; empty for the first one."""
        if self.published:
            return "published"
        return self.block or "references" * self.reference


@dataclass(frozen=True)
class View:
    """A table ready to be rendered.

    Attributes:
        notes: Caption lines, whole sentences.
        prose: Cells are text to be wrapped, not numbers to be lined up.
    """

    title: str
    corner: str
    heads: tuple[Head, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    prose: bool = False


def views(
    profile: str,
    matrices: Sequence[Matrix],
    summaries: Sequence[Summary],
    records: Sequence[Record],
    with_published: bool = False,
) -> dict[str, list[View]]:
    """Returns the views of each table file, by its stem; a task without records has none.

    Published numbers stand in the tables of tasks only: nothing is ranked against them.
    """
    from . import ablations, comparisons, published

    found: dict[str, list[View]] = {"summary": []}
    for summary in summaries:
        found["summary"].append(_summary_view(profile, summary, records))
        if summary.floor is not None and summary.gains:
            found["summary"].append(_gain_view(profile, summary))
    for matrix in matrices:
        here = found.setdefault(matrix.task, [])
        view = _task_view(profile, matrix)
        here.append(published.added(view, matrix) if with_published else view)
        if matrix.apart:
            here.append(_apart_view(matrix))
    labels = {name: label for matrix in matrices for name, label in matrix.labels.items()}
    found["comparisons"] = [
        comparisons.view(profile, each, summary.labels)
        for summary in summaries
        for each in compare_methods(summary)
    ]
    found["ablations"] = [view for matrix in matrices for view in ablations.views(profile, matrix)]
    found["cost"] = [_cost_view(profile, summary, records, labels) for summary in summaries]
    from .course import course_views  # a view of its own, which needs this module's

    if shown := course_views(profile, records):
        found["course"] = shown
    return found


def _task_view(profile: str, matrix: Matrix) -> View:
    splits = {
        column.label: {c.key.rpartition("/")[0] for c in matrix.columns if c.label == column.label}
        for column in matrix.columns
    }
    heads = tuple(
        Head(c.label, text.metric_title(c, with_split=len(splits[c.label]) > 1))
        for c in matrix.columns
    )
    ranked = ranked_names(matrix.recipes)
    rows = tuple(
        Row(
            matrix.labels[recipe.name],
            tuple(cell_text(column, recipe.name) for column in matrix.columns),
            recipe.name not in ranked,
            block=VARIANTS * is_variant(recipe.name, matrix.labels),
        )
        for recipe in matrix.recipes
    )
    return View(
        f"{matrix.task.capitalize()}, {matrix.backbone}, profile {profile}",
        "recipe",
        heads,
        rows,
        (*text.legend(matrix.columns), *text.data_notes(matrix.columns), *matrix.remarks),
    )


def cell_text(column: Column, recipe: str) -> Text:
    """Returns a recipe's cell in a column, with its mark or state."""
    cell = column.cells[recipe]
    shown = text.cell(cell, column.metric)
    if cell.state == "failed":
        return Text(shown, "failed")
    if cell.state in ("missing", "apart", "rehearsal"):
        return Text(shown, "muted")
    if column.data.broken_images:
        shown += f" {text.BROKEN}"
    return Text(shown, cell.mark)


def _apart_view(matrix: Matrix) -> View:
    rows = []
    for apart in matrix.apart:
        n = f" (n={len(apart.cell.values)})" if apart.cell.values else ""
        rows.append(
            Row(
                matrix.labels[apart.recipe.name],
                (
                    Text(apart.label),
                    Text(text.apart(apart) + n),
                    Text(", ".join(apart.reasons)),
                ),
            )
        )
    return View(
        f"{matrix.task.capitalize()}, {matrix.backbone}: not comparable with the table above",
        "recipe",
        (Head("", "protocol"), Head("", "result"), Head("", "why it stands apart")),
        tuple(rows),
        ("Never ranked with the table above; run these jobs again to bring them in.",),
        prose=True,
    )


def _summary_view(profile: str, summary: Summary, records: Sequence[Record]) -> View:
    heads = [Head(c.label, text.metric_title(c)) for c in summary.columns]
    rows = []
    for recipe in summary.recipes:
        cells = [cell_text(column, recipe.name) for column in summary.columns]
        reference = recipe.name not in summary.ranks
        rows.append(
            Row(
                summary.labels[recipe.name],
                (*cells, Text("", "muted") if reference else _rank(summary, recipe.name)),
                reference,
                block=VARIANTS * is_variant(recipe.name, summary.labels),
            )
        )
    mixed = _mixed_checkpoints(records)
    notes = (
        *text.legend(summary.columns),
        *text.data_notes(summary.columns),
        text.MEAN_RANK,
        *(
            text.MIXED_CHECKPOINTS.format(recipe=summary.labels[recipe.name])
            for recipe in summary.recipes
            if recipe.name in mixed
        ),
    )
    return View(
        f"Summary, {summary.backbone}, profile {profile}",
        "recipe",
        (*heads, Head("", "mean rank")),
        tuple(rows),
        notes,
    )


def _mixed_checkpoints(records: Iterable[Record]) -> set[str]:
    """Returns the recipes whose newest records come from more than one checkpoint."""
    newest: dict[tuple[str, str], str] = {}
    for record in sorted(records, key=lambda r: (r.finished, r.seed)):
        if record.checkpoint is not None and not is_rehearsal(record):
            newest[record.recipe.name, record.protocol.name] = record.checkpoint.sha256
    checkpoints: dict[str, set[str]] = {}
    for (recipe, _), checkpoint in newest.items():
        checkpoints.setdefault(recipe, set()).add(checkpoint)
    return {recipe for recipe, found in checkpoints.items() if len(found) > 1}


def _rank(summary: Summary, recipe: str) -> Text:
    mean = summary.mean_rank(recipe)
    if mean is not None:
        return Text(f"{mean:.1f}")
    there = sum(rank is not None for rank in summary.ranks[recipe])
    return Text(f"{text.MISSING} {there}/{len(summary.columns)}", "muted")


def _gain_view(profile: str, summary: Summary) -> View:
    heads: list[Head] = []
    for column in summary.columns:
        heads += [Head(column.label, text.metric_title(column)), Head(column.label, "p")]
    rows = []
    for recipe in summary.recipes:
        if recipe.name not in summary.gains:
            continue
        cells: list[Text] = []
        for column, gain in zip(summary.columns, summary.gains[recipe.name], strict=True):
            shown, p = text.gain(gain, column.metric)
            cells += [Text(shown, "" if gain else "muted"), Text(p, "muted")]
        rows.append(
            Row(
                summary.labels[recipe.name],
                tuple(cells),
                recipe.name not in summary.ranks,
                block=VARIANTS * is_variant(recipe.name, summary.labels),
            )
        )
    assert summary.floor is not None
    floor = summary.labels[summary.floor.name]
    return View(
        f"Gain over {floor}, {summary.backbone}, profile {profile}",
        "recipe",
        tuple(heads),
        tuple(rows),
        text.GAIN,
    )


def newest_costs(records: Iterable[Record]) -> dict[str, Cost]:
    """Returns each recipe's pretraining cost, as its newest record states it."""
    real = [record for record in records if not is_rehearsal(record)]
    newest = sorted(real, key=lambda r: (r.finished, r.protocol.name, r.seed))
    return {r.recipe.name: r.pretrain_cost for r in newest if r.pretrain_cost is not None}


def _cost_view(
    profile: str, summary: Summary, records: Sequence[Record], labels: Mapping[str, str]
) -> View:
    newest = newest_costs(records)
    rows = []
    for recipe in summary.recipes:
        cost = newest.get(recipe.name)
        cells = tuple(Text(t, "muted" if t == text.MISSING else "") for t in text.cost(cost))
        rows.append(
            Row(
                labels[recipe.name],
                cells,
                recipe.name not in summary.ranks,
                block=VARIANTS * is_variant(recipe.name, summary.labels),
            )
        )
    ranked = [newest.get(name) for name in summary.ranks]
    unknown = [labels[name] for name in summary.ranks if name not in newest]
    budget = text.budget([cost for cost in ranked if cost is not None], unknown)
    notes = [*text.COST, *([budget] if budget else [])]
    return View(
        f"Pretraining cost, {summary.backbone}, profile {profile}",
        "recipe",
        tuple(Head("", title) for title in text.COST_TITLES),
        tuple(rows),
        tuple(notes),
    )
