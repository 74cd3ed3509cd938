"""Builds the page: what it shows, in the order in which it is shown."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import __version__
from ...compare import Results, build, summarise
from ...metrics import metric_of
from ...record import Environment, Record
from .. import text
from ..figures import Figure, figures
from ..tables import profile_views
from ..views import Head, Row, Text, View
from . import pictures

if TYPE_CHECKING:
    from jinja2 import Environment as Jinja

_HERE = Path(__file__).parent
_NUMBER = re.compile(r"[<>≈]?\s*([+−-]?[\d\u202f]*\.?\d+)")
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
"""Control characters that HTML forbids, signs that turn the direction of text, half pairs."""
_IDS = re.compile(r"""(\bid="|href="\#|url\(\#)""")
_SHORT = 12


@dataclass(frozen=True)
class Section:
    """What the page shows of one profile.

    Attributes:
        figures: Heading, SVG with ids of its own, caption.
        commands: One row per record; the last column is the command.
        remark: Why there are no pictures, or empty.
    """

    profile: str
    count: int
    newest: str
    views: tuple[View, ...]
    figures: tuple[tuple[str, Figure], ...]
    galleries: tuple[pictures.Gallery, ...]
    environments: View
    commands: View
    remark: str


def render(loaded: Results, with_published: bool = False) -> str:
    """Returns the report as HTML that needs no other file and no network.

    The same records, pictures and versions give the same text.

    Args:
        loaded: Checked records.
        with_published: Whether published numbers stand in the tables.
    """
    style = (_HERE / "style.css").read_text()
    script = (_HERE / "sort.js").read_text()
    return (
        _jinja()
        .get_template("page.html.j2")
        .render(
            sections=[_section(loaded, name, with_published) for name in loaded.records],
            left_out=[problem.what for problem in loaded.problems],
            version=__version__,
            style=style,
            script=script,
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        )
    )


def _section(loaded: Results, profile: str, with_published: bool) -> Section:
    records = loaded.of(profile)
    matrices = build(records)
    found = profile_views(profile, records, with_published=with_published)
    summary_first = sorted(found, key=lambda stem: stem != "summary")
    drawn = figures(profile, matrices, summarise(matrices), loaded.records[profile])
    shown = pictures.galleries(profile, loaded.records[profile], loaded.root)
    return Section(
        profile=profile,
        count=len(records),
        newest=max(record.finished for record in records),
        views=tuple(view for stem in summary_first for view in found[stem]),
        figures=tuple((name, _own_ids(f, f"{profile}-{name}-")) for name, f in drawn.items()),
        galleries=tuple(shown),
        environments=_environments(records),
        commands=_commands(records),
        remark=pictures.missing(profile, shown),
    )


def _environments(records: Sequence[Record]) -> View:
    """One row per machine, code and set of packages."""
    groups: dict[str, tuple[Environment, list[Record]]] = {}
    for record in records:
        key = record.environment.model_dump_json()
        groups.setdefault(key, (record.environment, []))[1].append(record)
    rows = []
    for place, (where, members) in enumerate(groups.values(), start=1):
        changed = " with uncommitted changes" if where.git_dirty else ""
        recipes = sorted({record.recipe.display for record in members})
        rows.append(
            Row(
                str(place),
                (
                    Text(str(len(members))),
                    Text(", ".join(recipes)),
                    Text(f"{where.git_commit or 'not known'}{changed}"),
                    Text(f"{where.device}, {where.threads} threads"),
                    Text(where.python),
                    Text(", ".join(f"{k} {v}" for k, v in sorted(where.packages.items()))),
                ),
            )
        )
    heads = ("records", "recipes", "code", "machine", "Python", "packages")
    return View("Environments", "no.", tuple(Head("", h) for h in heads), tuple(rows), prose=True)


def _commands(records: Sequence[Record]) -> View:
    rows = []
    for record in records:
        value = record.metrics.get(record.protocol.main_metric)
        metric = metric_of(record.protocol.main_metric)
        shown = text.MISSING
        if record.failure is not None:
            shown = f"failed: {record.failure.kind}"
        elif value is not None:
            shown = f"{value * metric.scale:.{metric.digits}f} {metric.display}"
        rows.append(
            Row(
                record.recipe.display,
                (
                    Text(record.protocol.display),
                    Text(str(record.seed)),
                    Text(shown, "failed" if record.failure else ""),
                    Text(record.protocol.config_sha256[:_SHORT]),
                    Text(record.recipe.config_sha256[:_SHORT]),
                    Text(record.data.sha256[:_SHORT] or text.MISSING),
                    Text(record.checkpoint.sha256[:_SHORT] if record.checkpoint else text.MISSING),
                    Text(record.command),
                ),
            )
        )
    heads = (
        "protocol", "seed", "main metric", "protocol config", "recipe config", "data", "weights",
        "command",
    )  # fmt: skip
    note = "Hashes are cut to twelve digits; mrcl-bench explain shows them whole, with the configs."
    return View(
        f"All {len(records)} runs and the commands that make them again",
        "recipe",
        tuple(Head("", head) for head in heads),
        tuple(rows),
        (note,),
        prose=True,
    )


def _own_ids(figure: Figure, prefix: str) -> Figure:
    """Gives a figure ids that no other figure of the page has, and a name for screen readers."""
    svg = _IDS.sub(lambda match: f"{match[1]}{prefix}", figure.svg)
    return Figure(figure.title, svg, figure.caption)


def _jinja() -> Jinja:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    def clean(value: Any) -> Any:
        if isinstance(value, str) and not isinstance(value, Markup):
            return _UNSAFE.sub("\ufffd", value)
        return value

    # Everything is escaped but what the template marks safe: our own style, script and SVG.
    jinja = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=clean,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    jinja.filters["sort_value"] = sort_value
    jinja.filters["blocks"] = blocks
    jinja.filters["groups"] = groups
    jinja.globals["best_sign"] = text.BEST_SIGN
    return jinja


def sort_value(shown: str) -> str:
    """Returns the number that a cell begins with, as text that JavaScript reads; else nothing."""
    found = _NUMBER.match(shown)
    return found[1].replace("\u202f", "").replace("−", "-") if found else ""


def blocks(view: View) -> list[tuple[str, list[Row]]]:
    """Returns a view's rows in blocks that are sorted apart: ranked, references, published."""
    found: list[tuple[str, list[Row]]] = []
    for row in view.rows:
        name = "published" if row.published else "references" if row.reference else ""
        if not found or found[-1][0] != name:
            found.append((name, []))
        found[-1][1].append(row)
    return found


def groups(view: View) -> list[tuple[str, int]]:
    """Returns the groups over a view's columns with their widths; empty where none has a name."""
    found: list[tuple[str, int]] = []
    for head in view.heads:
        if found and found[-1][0] == head.group:
            found[-1] = (head.group, found[-1][1] + 1)
        else:
            found.append((head.group, 1))
    return found if any(name for name, _ in found) else []
