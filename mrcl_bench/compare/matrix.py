"""Records to columns of cells: grouping by comparability, cell states, the best of a column."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from ..metrics import LOW_SHOTS, Metric, metric_of
from ..record import DataRef, ProtocolRef, RecipeRef, Record
from ..spec import Role, Task
from .comparable import Group, group_of, is_rehearsal, reasons_apart
from .stats import Spread, indistinguishable, same, spread
from .variants import is_variant

State = Literal["measured", "partial", "failed", "missing", "apart", "rehearsal"]
Mark = Literal["", "best", "near"]
Expected = Mapping[tuple[str, str], int]
"""Number of seeds a full run takes, by (recipe, protocol)."""

RANKED: tuple[Role, ...] = ("method", "baseline")
ROLE_ORDER: tuple[Role, ...] = ("method", "baseline", "ceiling", "floor")
TASK_ORDER: tuple[Task, ...] = ("classification", "detection", "segmentation")
TASK_METRICS: dict[Task, tuple[str, ...]] = {
    "classification": ("accuracy", "mAP", *(f"mAP_{k}" for k in LOW_SHOTS)),
    "detection": ("bbox_mAP", "bbox_mAP_50", "segm_mAP", "segm_mAP_50"),
    "segmentation": ("mIoU", "mAcc", "aAcc"),
}


@dataclass(frozen=True)
class Cell:
    """One recipe under one protocol and metric.

    Attributes:
        state: ``measured`` all seeds; ``partial`` some seeds; ``failed`` no seed and at least one
            tried; ``missing`` nothing tried; ``apart`` only records that may not be compared;
            ``rehearsal`` only runs that rehearse the pipeline and measure nothing.
        values: Native values in seed order.
        expected: Seeds that a full run takes (N of n/N).
        failures: Failure classes, one per failed seed, in seed order.
        seeds: The seeds of the values.
        mark: ``best`` of the column or ``near`` it (not separable from the best).
    """

    state: State
    values: tuple[float, ...]
    expected: int
    failures: tuple[str, ...] = ()
    mark: Mark = ""
    seeds: tuple[int, ...] = ()

    @cached_property
    def spread(self) -> Spread | None:
        """Mean and standard deviation, or None without a value."""
        return spread(self.values) if self.values else None


@dataclass(frozen=True)
class Column:
    """One protocol and metric, over records that share protocol config and data.

    Attributes:
        label: The protocol's display name, made unique within its matrix.
        key: The metric's record key.
        main: Whether this is the protocol's main metric.
        cells: Recipe name to cell; one for every recipe of the matrix.
    """

    protocol: ProtocolRef
    data: DataRef
    label: str
    key: str
    metric: Metric
    main: bool
    cells: Mapping[str, Cell]


@dataclass(frozen=True)
class Apart:
    """Records of one recipe and protocol that may not stand in the column, and why."""

    recipe: RecipeRef
    protocol: ProtocolRef
    data: DataRef
    label: str
    key: str
    cell: Cell
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Matrix:
    """All columns of one task and backbone.

    Attributes:
        recipes: Rows: method, baselines, ceiling, floor, then variants of other rows.
        labels: Recipe name to row label, unique.
        apart: What is shown beside the columns and never ranked.
        remarks: Failed seeds and the records' flags, as text.
    """

    task: Task
    backbone: str
    recipes: tuple[RecipeRef, ...]
    labels: Mapping[str, str]
    columns: tuple[Column, ...]
    apart: tuple[Apart, ...]
    remarks: tuple[str, ...]


def build(records: Iterable[Record], expected: Expected | None = None) -> tuple[Matrix, ...]:
    """Arranges one profile's records, one matrix per task and backbone.

    Args:
        records: Checked records of a single profile (see `load`).
        expected: Seeds of a full run; by default all seeds seen in the column.
    """
    by_place: dict[tuple[Task, str], list[Record]] = defaultdict(list)
    rows: dict[str, dict[str, Record]] = defaultdict(dict)
    for record in sorted(records, key=lambda r: (r.finished, r.recipe.name, r.seed)):
        if record.recipe.partway:
            continue  # no rival of its own end: see report.course
        by_place[record.protocol.task, record.recipe.backbone].append(record)
        rows[record.recipe.backbone][record.recipe.name] = record  # the newest names the row
    return tuple(
        _matrix(task, backbone, by_place[task, backbone], rows[backbone], expected or {})
        for task, backbone in sorted(by_place, key=lambda p: (TASK_ORDER.index(p[0]), p[1]))
    )


def _matrix(
    task: Task,
    backbone: str,
    records: list[Record],
    rows: Mapping[str, Record],
    expected: Expected,
) -> Matrix:
    recipes = tuple(
        sorted(
            (record.recipe for record in rows.values()),
            key=lambda r: (
                is_variant(r.name, rows),
                ROLE_ORDER.index(r.role),
                r.display,
                r.name,
            ),
        )
    )
    by_protocol: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        by_protocol[record.protocol.name].append(record)
    row_labels = _unique({r.name: (r.display, r.display) for r in recipes})
    labels = _unique(
        {
            name: (group[-1].protocol.display, group[-1].data.id)
            for name, group in by_protocol.items()
        }
    )
    columns: list[Column] = []
    apart: list[Apart] = []
    remarks: list[str] = []
    for name in sorted(by_protocol):
        standing, left = _separate(by_protocol[name])
        columns += _columns(task, labels[name], standing, left, recipes, expected)
        apart += _apart(labels[name], left)
        remarks += _remarks(labels[name], standing, row_labels)
    return Matrix(task, backbone, recipes, row_labels, tuple(columns), tuple(apart), tuple(remarks))


def ranked_names(recipes: Sequence[RecipeRef]) -> list[str]:
    """Returns which rows are ranked: method and baselines, without variants of another row."""
    names = {recipe.name for recipe in recipes}
    return [r.name for r in recipes if r.role in RANKED and not is_variant(r.name, names)]


def _unique(names: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Maps each key to its short name, with the hint or the key added where two share it."""
    shorts = Counter(short for short, _ in names.values())
    hinted = Counter(names.values())
    return {
        key: short
        if shorts[short] == 1
        else f"{short} ({hint})"
        if hinted[short, hint] == 1 and hint != short
        else f"{short} ({key})"
        for key, (short, hint) in names.items()
    }


_Left = list[tuple[Record, tuple[str, ...]]]


def _separate(records: Sequence[Record]) -> tuple[list[Record], _Left]:
    """Splits one protocol's records, oldest first, into what stands together and what is left.

    The largest group of equal protocol config and data stands, the newest among equals.
    Within it, a recipe's records must come from one checkpoint: its newest. Rehearsals never
    stand; drawn shapes only where nothing was measured on photographs, and data without its broken
    images only where nothing was measured on whole data.
    """
    groups: dict[Group, list[Record]] = defaultdict(list)
    real = [r for r in records if not is_rehearsal(r)]
    for record in [r for r in real if r.status == "completed"] or real:
        groups[group_of(record)].append(record)
    standing_group = (
        max(
            groups,
            key=lambda k: (
                not k.shapes,
                not k.broken,
                len(groups[k]),
                max(r.finished for r in groups[k]),
            ),
        )
        if groups
        else None
    )
    left: _Left = []
    matching: list[Record] = []
    for record in records:
        reasons = reasons_apart(record, standing_group)
        if reasons:
            left.append((record, reasons))
        else:
            matching.append(record)

    newest = {r.recipe.name: r.checkpoint.sha256 for r in matching if r.checkpoint}
    standing = []
    for record in matching:
        checkpoint = record.checkpoint
        if checkpoint is None or checkpoint.sha256 == newest[record.recipe.name]:
            standing.append(record)
        else:
            left.append((record, (f"earlier checkpoint {checkpoint.sha256[:8]}",)))
    return standing, left


def _columns(
    task: Task,
    label: str,
    standing: Sequence[Record],
    left: _Left,
    recipes: Sequence[RecipeRef],
    expected: Expected,
) -> list[Column]:
    newest = standing[-1] if standing else left[-1][0]
    real = [record for record, _ in left if not is_rehearsal(record)]
    seen = len({record.seed for record in (*standing, *real)})
    by_recipe: dict[str, list[Record]] = defaultdict(list)
    for record in sorted(standing, key=lambda r: r.seed):
        by_recipe[record.recipe.name].append(record)
    elsewhere = {record.recipe.name for record in real}
    rehearsed = {record.recipe.name for record, _ in left if is_rehearsal(record)}
    columns = []
    for key in _keys(task, newest.protocol.main_metric, standing):
        cells = {
            recipe.name: _cell(
                by_recipe[recipe.name],
                key,
                expected.get((recipe.name, newest.protocol.name), seen),
                "apart"
                if recipe.name in elsewhere
                else "rehearsal"
                if recipe.name in rehearsed
                else "missing",
            )
            for recipe in recipes
        }
        metric = metric_of(key)
        ranked = ranked_names(recipes)
        columns.append(
            Column(
                protocol=newest.protocol,
                data=next((r.data for r in reversed(standing) if r.data.sha256), newest.data),
                label=label,
                key=key,
                metric=metric,
                main=key == newest.protocol.main_metric,
                cells=_marked(cells, ranked, metric.higher_is_better),
            )
        )
    return columns


def _keys(task: Task, main: str, records: Sequence[Record]) -> list[str]:
    """Returns the metric keys to show, the main one first, then its split's, then the others."""
    wanted = TASK_METRICS[task]
    main_split = main.rpartition("/")[0]
    there = {key for record in records for key in record.metrics}
    shown = {key for key in there if key.rpartition("/")[2] in wanted} - {main}

    def order(key: str) -> tuple[bool, str, int]:
        split, _, name = key.rpartition("/")
        return split != main_split, split, wanted.index(name)

    return [main, *sorted(shown, key=order)]


def _cell(records: Sequence[Record], key: str, expected: int, without: State) -> Cell:
    completed = [r for r in records if r.status == "completed" and key in r.metrics]
    values = tuple(r.metrics[key] for r in completed)
    failures = tuple(
        r.failure.kind if r.failure else "error" for r in records if r.status == "failed"
    )
    state = without
    if values:
        state = "measured" if len(values) >= expected and not failures else "partial"
    elif failures:
        state = "failed"
    seeds = tuple(r.seed for r in completed)
    whole = max(expected, len(values) + len(failures))
    return Cell(state, values, whole, failures, seeds=seeds)


def _marked(
    cells: Mapping[str, Cell], ranked: Sequence[str], higher_is_better: bool
) -> dict[str, Cell]:
    """Marks the best among the ranked recipes' complete cells and what is not separable from it."""
    marked = dict(cells)
    spreads = {name: cells[name].spread for name in ranked if cells[name].state == "measured"}
    complete = {name: value for name, value in spreads.items() if value is not None}
    if len(complete) < 2:
        return marked  # nothing to be best of
    pick = max if higher_is_better else min
    best = pick(complete.values(), key=lambda s: s.mean)
    for name, value in complete.items():
        if same(value.mean, best.mean):
            marked[name] = replace(cells[name], mark="best")
        elif indistinguishable(value, best):
            marked[name] = replace(cells[name], mark="near")
    return marked


def _apart(label: str, left: _Left) -> list[Apart]:
    groups: dict[tuple[str, tuple[str, ...]], list[Record]] = defaultdict(list)
    for record, reasons in left:
        groups[record.recipe.name, reasons].append(record)
    apart = []
    for (_, reasons), records in sorted(groups.items()):
        newest = records[-1]
        key = newest.protocol.main_metric
        cell = _cell(sorted(records, key=lambda r: r.seed), key, 0, "missing")
        apart.append(Apart(newest.recipe, newest.protocol, newest.data, label, key, cell, reasons))
    return apart


def _remarks(label: str, records: Sequence[Record], row_labels: Mapping[str, str]) -> list[str]:
    """Returns one line per recipe and failure class or flag, with the seeds."""
    seeds: dict[tuple[str, str], list[int]] = defaultdict(list)
    for record in records:
        said = list(record.flags)
        if record.failure is not None:
            said.append(f"failed ({record.failure.kind})")
        for text in said:
            seeds[record.recipe.name, text].append(record.seed)
    return [
        f"{row_labels[recipe]}, {label}, seed{'s' * (len(which) > 1)} "
        f"{', '.join(map(str, sorted(which)))}: {text}."
        for (recipe, text), which in sorted(seeds.items())
    ]
