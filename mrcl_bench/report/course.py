"""Pretext task and transfer over the course of pretrainings, from records.

A pretraining overfits to discriminating where its contrastive accuracy goes on rising and transfer
does not (Liu et al., arXiv 2211.09013). The checkpoints that recipes keep are judged like recipes;
here they are set beside each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..compare import Spread, spread
from ..metrics import Metric, metric_of
from ..record import Course, Record
from . import text
from .views import Head, Row, Text, View

TITLE = "Over the course of pretraining"


@dataclass(frozen=True)
class Point:
    """A checkpoint of a run.

    Attributes:
        count: Steps (epochs) so far.
        course: How it did its pretext task; None where no record says it.
        transfer: Protocol name to its main metric over seeds.
    """

    count: int
    course: Course | None
    transfer: dict[str, Spread]


@dataclass(frozen=True)
class Curve:
    """A recipe's kept checkpoints and its end, in order."""

    recipe: str
    display: str
    backbone: str
    total: int
    unit: str
    points: tuple[Point, ...]


def curves(records: Iterable[Record]) -> list[Curve]:
    """Finds the recipes of which checkpoints from their course were judged.

    Records of one protocol stand side by side only with the protocol's config and the data of its
    newest record; those of another pretraining than the newest of a checkpoint are left out too.
    """
    done = sorted(
        (record for record in records if record.status == "completed"), key=lambda r: r.finished
    )
    identity = {r.protocol.name: (r.protocol.config_sha256, r.data.sha256) for r in done}
    newest = {r.recipe.name: r.checkpoint for r in done}
    good = [
        r
        for r in done
        if identity[r.protocol.name] == (r.protocol.config_sha256, r.data.sha256)
        and newest[r.recipe.name] == r.checkpoint
    ]
    owners = {r.course.of: r.course for r in good if r.recipe.partway and r.course is not None}
    return [_curve(owner, course, good) for owner, course in sorted(owners.items())]


def protocols(found: Iterable[Curve], records: Iterable[Record]) -> dict[str, tuple[str, str]]:
    """Protocols that judged a point of these curves: name to title and main metric's key."""
    used = {name for curve in found for point in curve.points for name in point.transfer}
    order = {"classification": 0, "detection": 1, "segmentation": 2}
    there = sorted(
        (order[r.protocol.task], r.protocol.name, r.protocol.display, r.protocol.main_metric)
        for r in records
        if r.protocol.name in used
    )
    return {name: (display, key) for _, name, display, key in there}


def _curve(owner: str, course: Course, records: Sequence[Record]) -> Curve:
    mine: dict[int, list[Record]] = {}
    for record in records:
        if record.recipe.name == owner:
            mine.setdefault(course.total, []).append(record)
        elif record.recipe.partway and record.course is not None and record.course.of == owner:
            mine.setdefault(record.course.count, []).append(record)
    points = []
    for count, here in sorted(mine.items()):
        values: dict[str, list[float]] = {}
        for record in sorted(here, key=lambda r: r.seed):
            value = record.metrics.get(record.protocol.main_metric)
            if value is not None:
                values.setdefault(record.protocol.name, []).append(value)
        said = [record.course for record in here if record.course is not None]
        transfer = {name: spread(found) for name, found in values.items()}
        points.append(Point(count, said[-1] if said else None, transfer))
    recipe = mine[max(mine)][0].recipe
    display = recipe.display.partition(" @ ")[0]
    return Curve(owner, display, recipe.backbone, course.total, course.unit, tuple(points))


def course_views(profile: str, records: Sequence[Record]) -> list[View]:
    """Returns a table for each backbone, none where no checkpoint from a course was judged."""
    found = curves(records)
    return [
        _view(profile, backbone, [c for c in found if c.backbone == backbone], records)
        for backbone in sorted({curve.backbone for curve in found})
    ]


def _view(profile: str, backbone: str, found: list[Curve], records: Sequence[Record]) -> View:
    judged = protocols(found, records)
    titles = ("contrastive %", "among", "reconstruction error")
    heads = [Head("pretext task", title) for title in titles]
    heads += [Head(title, metric_of(key).display) for title, key in judged.values()]
    rows = []
    for curve in found:
        for point in curve.points:
            cells = [*_pretext(point.course)]
            for name, (_, key) in judged.items():
                there = point.transfer.get(name)
                cells.append(None if there is None else _spread(there, metric_of(key)))
            label = f"{curve.display}, {point.count} of {curve.total} {curve.unit}s"
            shown = tuple(Text(text.MISSING, "muted") if c is None else Text(c) for c in cells)
            rows.append(Row(label, shown))
    title = f"{TITLE}, {backbone}, profile {profile}"
    return View(title, "recipe, when", tuple(heads), tuple(rows), notes(found, records))


def _pretext(course: Course | None) -> tuple[str | None, str | None, str | None]:
    if course is None:
        return None, None, None
    accuracy, candidates, error = (
        course.contrastive_accuracy,
        course.candidates,
        course.reconstruction_error,
    )
    return (
        None if accuracy is None else f"{100 * accuracy:.1f}",
        None if candidates is None else str(candidates),
        None if error is None else f"{error:.3f}",
    )


def _spread(value: Spread, metric: Metric) -> str:
    shown = f"{value.mean * metric.scale:.{metric.digits}f}"
    if value.std is not None:
        shown += f" ±{value.std * metric.scale:.{metric.digits}f}"
    return shown


def notes(found: Sequence[Curve], records: Iterable[Record]) -> tuple[str, ...]:
    """What must be said beside such numbers."""
    said = [p.course for curve in found for p in curve.points if p.course is not None]
    candidates = sorted({course.candidates for course in said if course.candidates is not None})
    lines = [
        "Contrastive accuracy: how often the other view of an image is the nearest of all "
        "candidates, as the recipe compares them, with its own views and masks and a fixed seed; "
        "reconstruction error: mean squared, on what was hidden, in units of the recipe's target."
    ]
    if len(candidates) > 1:
        shown = ", ".join(map(str, candidates))
        lines.append(
            f"Recipes seek among different numbers of candidates ({shown}): compare contrastive "
            "accuracy along a recipe, not between recipes."
        )
    if said:
        seen = {course.seen for course in said}
        where = {
            frozenset({False}): "images that no recipe trained on",
            frozenset({True}): "training images, newly augmented",
        }.get(frozenset(seen), "of some recipes images that they trained on, of others not")
        lines.append(f"Measured on {min(c.images for c in said)} images or more: {where}.")
    lines.append(
        "Each recipe was pretrained once, so that a difference between two moments has its own "
        "spread over pretraining seeds, which is not known."
    )
    used = {name for curve in found for point in curve.points for name in point.transfer}
    fallback = {r.data.id for r in records if r.protocol.name in used and r.data.shapes_fallback}
    lines += [text.SHAPES.format(data=data) for data in sorted(fallback)]
    if any(point.course is None for curve in found for point in curve.points):
        lines.append(
            f"{text.MISSING}: the end was judged before its pretext task was measured; a job of it "
            "run again (--force) brings the numbers in."
        )
    return tuple(lines)
