"""Where a cell's number came from, and what differs between two cells, as tables of text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ..compare import Results, build
from ..kept_configs import Found
from ..metrics import METRICS, metric_of
from ..provenance.cells import CellRecords
from ..provenance.configs import Configs
from ..provenance.differences import differences, shown
from ..record import Record
from . import text
from .views import Head, Row, Text, View

_SHORT = 12
AGAIN = "with the configs as they are today; compare the new record's hashes with those above"


def explain(loaded: Results, cell: CellRecords, configs: Configs) -> list[View]:
    """Returns what there is to know of a cell, but for the commands, which must not be wrapped.

    Args:
        loaded: All records, for the cell's neighbours.
        cell: The cell.
        configs: Where resolved configs are looked up.
    """
    return [
        _numbers(loaded, cell),
        _records(cell, loaded.root),
        _origin(cell, configs),
        *_neighbours(loaded, cell, configs),
        *_other_recipes(cell, configs),
    ]


def diff(first: CellRecords, second: CellRecords, configs: Configs) -> list[View]:
    """Returns what differs between two cells' newest records: configs, data, weights, environment.

    Args:
        first: A cell; of several seeds the newest record stands for it.
        second: Another.
        configs: Where resolved configs are looked up.
    """
    a, b = _newest(first), _newest(second)
    heads = (
        Head("", f"A: {first.name}, seed {a.seed}"),
        Head("", f"B: {second.name}, seed {b.seed}"),
    )
    views = [_facts_differing(a, b, heads)]
    lookups: tuple[tuple[str, str, str, Callable[[Record], Found]], ...] = (
        ("protocol", a.protocol.config_sha256, b.protocol.config_sha256, configs.protocol),
        ("recipe", a.recipe.config_sha256, b.recipe.config_sha256, configs.recipe),
    )
    for what, one, other, lookup in lookups:
        if one == other:
            note = f"The same {what} config on both sides: {one[:_SHORT]}."
            views.append(View(f"Resolved {what} config", "key", heads, (), (note,), prose=True))
        else:
            views.append(_config_view(f"Resolved {what} config", lookup(a), lookup(b), heads))
    return views


def _numbers(loaded: Results, cell: CellRecords) -> View:
    """The cell's metrics as its table shows them."""
    records = loaded.of(cell.profile)
    recipe, protocol = cell.recipe, cell.protocol
    rows: list[Row] = []
    notes: list[str] = []
    for matrix in build(records):
        for column in matrix.columns:
            if column.protocol.name == protocol and recipe in column.cells:
                here = column.cells[recipe]
                values = ", ".join(f"{value:.10g}" for value in here.values) or text.MISSING
                rows.append(
                    Row(
                        column.key,
                        (
                            Text(f"{text.cell(here, column.metric)} ({column.metric.display})"),
                            Text(here.state),
                            Text(values),
                        ),
                    )
                )
        for apart in matrix.apart:
            if (apart.recipe.name, apart.protocol.name) == (recipe, protocol):
                notes.append(f"Stands apart: {text.apart(apart)}: {', '.join(apart.reasons)}.")
    heads = (Head("", "in the table"), Head("", "state"), Head("", "values by seed"))
    return View(cell.name, "metric", heads, tuple(rows), tuple(notes), prose=True)


def _records(cell: CellRecords, root: Path) -> View:
    rows = []
    for path, record in cell.records.items():
        metrics = "; ".join(
            f"{key} {record.metrics[key]:.10g}"
            for key in sorted(record.metrics)
            if key.rsplit("/", 1)[-1] in METRICS
        )
        said = metrics or text.MISSING
        remarks = [*record.flags, *(f"resumed after step {step}" for step in record.resumed)]
        if record.failure is not None:
            said = f"failed ({record.failure.kind}): {record.failure.message}"
        rows.append(
            Row(
                str(record.seed),
                (
                    Text(str(path.relative_to(root) if path.is_relative_to(root) else path)),
                    Text(said, "failed" if record.failure else ""),
                    Text(", ".join(f"{k} {v}" for k, v in record.choices.items()) or text.MISSING),
                    Text("; ".join(remarks) or text.MISSING),
                    Text(record.finished),
                ),
            )
        )
    heads = ("file", "values", "chosen on held-out train", "flags", "finished")
    return View("Records", "seed", tuple(Head("", h) for h in heads), tuple(rows), prose=True)


def _origin(cell: CellRecords, configs: Configs) -> View:
    """Hashes, weights, data and machine: one row each, with the seeds where they disagree."""
    facts: tuple[tuple[str, Callable[[Record], str]], ...] = (
        (
            "protocol config",
            lambda r: f"{r.protocol.config_sha256} ({configs.protocol(r).origin})",
        ),
        ("recipe config", lambda r: f"{r.recipe.config_sha256} ({configs.recipe(r).origin})"),
        ("data", _data),
        ("weights", lambda r: r.checkpoint.sha256 if r.checkpoint else "none: pretraining failed"),
        ("raw weights", lambda r: r.checkpoint.source_sha256 if r.checkpoint else text.MISSING),
        ("input", lambda r: str(r.normalisation) if r.normalisation else "not recorded"),
        ("pretraining", _pretraining),
        ("code", _code),
        ("machine", lambda r: f"{r.environment.device}, {r.environment.threads} threads"),
        ("Python", lambda r: r.environment.python),
        (
            "packages",
            lambda r: ", ".join(f"{k} {v}" for k, v in sorted(r.environment.packages.items())),
        ),
    )
    records = list(cell.records.values())
    rows = [
        Row(name if first else "", (Text(value), Text(seeds)))
        for name, fact in facts
        for first, value, seeds in _by_value(records, fact)
    ]
    heads = (Head("", "what"), Head("", "seeds"))
    return View("Origin", "of", heads, tuple(rows), prose=True)


def _by_value(
    records: Sequence[Record], fact: Callable[[Record], str]
) -> Iterable[tuple[bool, str, str]]:
    values: dict[str, list[str]] = {}
    for record in records:
        values.setdefault(fact(record), []).append(str(record.seed))
    for place, (value, seeds) in enumerate(values.items()):
        yield place == 0, value, "all" if len(values) == 1 else ", ".join(seeds)


def _data(record: Record) -> str:
    shapes = " (drawn shapes stood in for photographs)" if record.data.shapes_fallback else ""
    broken = record.data.broken_images
    without = f" (without {broken} broken images)" if broken else ""
    return f"{record.data.id} {record.data.sha256}{shapes}{without}"


def _pretraining(record: Record) -> str:
    cost = record.pretrain_cost
    if cost is None:
        return "not known"
    return ", ".join(
        f"{title}: {value}"
        for title, value in zip(text.COST_TITLES, text.cost(cost), strict=True)
        if value != text.MISSING
    )


def _code(record: Record) -> str:
    commit = record.environment.git_commit or "commit not known"
    return f"{commit}{' with uncommitted changes' if record.environment.git_dirty else ''}"


def _neighbours(loaded: Results, cell: CellRecords, configs: Configs) -> list[View]:
    """For each other config of this protocol in the profile: whose it is, and what differs."""
    here = _newest(cell)
    others: dict[str, list[Record]] = {}
    same = set()
    for record in loaded.of(cell.profile):
        if record.protocol.name != cell.protocol:
            continue
        if record.protocol.config_sha256 != here.protocol.config_sha256:
            others.setdefault(record.protocol.config_sha256, []).append(record)
        elif record.recipe.name != cell.recipe:
            same.add(record.recipe.name)
    own = here.protocol.config_sha256[:_SHORT]
    if not others:
        note = f"All records of {cell.protocol} here have this cell's protocol config {own}" + (
            f", those of {', '.join(sorted(same))} too." if same else "; there is no other row."
        )
        return [View("Neighbours", "key", (Head("", "here"), Head("", "there")), (), (note,), True)]
    views: list[View] = []
    for sha256, records in sorted(others.items()):
        whose = ", ".join(sorted({f"{r.recipe.name} seed {r.seed}" for r in records}))
        heads = (Head("", f"here: {own}"), Head("", f"there: {sha256[:_SHORT]}"))
        view = _config_view(
            "Neighbours with another protocol config",
            configs.protocol(here),
            configs.protocol(records[-1]),
            heads,
        )
        notes = (f"There: {whose}. Never ranked with this cell.", *view.notes)
        views.append(View(view.title, view.corner, view.heads, view.rows, notes, prose=True))
    return views


def _other_recipes(cell: CellRecords, configs: Configs) -> list[View]:
    """For each other recipe config among the cell's own records: whose it is, and what differs."""
    here = _newest(cell)
    others: dict[str, list[Record]] = {}
    for record in cell.records.values():
        if record.recipe.config_sha256 != here.recipe.config_sha256:
            others.setdefault(record.recipe.config_sha256, []).append(record)
    views = []
    for sha256, records in sorted(others.items()):
        heads = (
            Head("", f"seed {here.seed}: {here.recipe.config_sha256[:_SHORT]}"),
            Head("", f"seed {', '.join(str(r.seed) for r in records)}: {sha256[:_SHORT]}"),
        )
        title = "Seeds with another recipe config"
        views.append(_config_view(title, configs.recipe(here), configs.recipe(records[0]), heads))
    return views


def _config_view(title: str, one: Found, other: Found, heads: tuple[Head, Head]) -> View:
    if one.config is None or other.config is None:
        notes = tuple(
            f"{head.title}: {found.origin}; what differs cannot be told."
            for head, found in zip(heads, (one, other), strict=True)
            if found.config is None
        )
        return View(title, "key", heads, (), notes, prose=True)
    rows = tuple(
        Row(d.key, (Text(shown(d.first)), Text(shown(d.second))))
        for d in differences(one.config, other.config)
    )
    return View(title, "key", heads, rows, prose=True)


def _facts_differing(a: Record, b: Record, heads: tuple[Head, Head]) -> View:
    """What differs outside the configs, results included."""
    one, other = (_outside(record) for record in (a, b))
    rows = tuple(
        Row(d.key, (Text(shown(d.first)), Text(shown(d.second)))) for d in differences(one, other)
    )
    notes = () if rows else ("Nothing differs outside the configs.",)
    return View("Records", "key", heads, rows, notes, prose=True)


def _outside(record: Record) -> dict[str, object]:
    whole = record.model_dump(mode="json")
    kept = "status failure choices flags resumed checkpoint normalisation data".split()
    metric = metric_of(record.protocol.main_metric)
    value = record.metrics.get(record.protocol.main_metric)
    return {
        **{key: whole[key] for key in kept},
        "pretrain_cost": whole["pretrain_cost"],
        "environment": whole["environment"],
        record.protocol.main_metric: None
        if value is None
        else f"{value * metric.scale:.{metric.digits}f} {metric.display}",
        "protocol.config_sha256": record.protocol.config_sha256,
        "recipe.config_sha256": record.recipe.config_sha256,
    }


def _newest(cell: CellRecords) -> Record:
    return max(cell.records.values(), key=lambda r: (r.finished, r.seed))
