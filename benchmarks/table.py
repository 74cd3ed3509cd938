"""The JSON files of all parts as one Markdown page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

COLUMNS = ("what", "contestant", "runs", "median s", "least s", "times as fast", "in single turns")
AIMS = ("what", "contestant", "wanted", "seen", "reached")


def page(folder: Path) -> str:
    """Returns a page of a folder's JSON files: aims, all numbers, what is needed to read them."""
    parts = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    every = [(part, one) for part in parts for one in part["measurements"]]
    aims = [[_cell(aim[name]) for name in AIMS] for _, one in every for aim in one["targets"]]
    rows = [[*(_cell(row.get(name, "")) for name in COLUMNS), _more(row)] for _, one in every
            for row in one["rows"]]  # fmt: skip
    lines = ["# Speed", "", "Written by `make bench`; read ratios, not seconds.", ""]
    lines += ["## Aims", "", *_table(AIMS, aims), "", "## All numbers", ""]
    lines += [*_table((*COLUMNS, "further"), rows), ""]
    lines += [f"- {one['title']}. {_about(one)}" for _, one in every if _about(one)]
    lines += ["", "## Machine", "", *(_machine(part) for part in parts), ""]
    lines += [f"Versions of {', '.join(names)}: {which}.\n" for which, names in _versions(parts)]
    return "\n".join(lines)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "**no**"
    if isinstance(value, list):
        return " … ".join(_cell(one) for one in value)
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return str(value)


def _more(row: dict[str, Any]) -> str:
    return ", ".join(f"{_cell(value)} {name}" for name, value in row.items() if name not in COLUMNS)


def _about(one: dict[str, Any]) -> str:
    said = [f"{name}: {_cell(value)}" for name, value in one["notes"].items()]
    said += [f"{name}: not measured, {why}" for name, why in one["skipped"].items()]
    return "; ".join(said)


def _machine(part: dict[str, Any]) -> str:
    at = part["machine"]
    return (
        f"- {part['part']}{' (sizes of --quick)' if part['quick'] else ''}: {at['time']}, "
        f"{at['processor']}, {at['cores']} cores, OMP_NUM_THREADS {at['threads']}, load "
        f"{at['load before']:.1f} before and {at['load after']:.1f} after, "
        f"Python {at['python']}"
    )


def _versions(parts: Sequence[dict[str, Any]]) -> list[tuple[str, list[str]]]:
    """Returns the versions that parts were measured with, and which parts those are."""
    found: dict[str, list[str]] = {}
    for part in parts:
        each = part["machine"]["versions"].items()
        found.setdefault(", ".join(" ".join(one) for one in each), []).append(part["part"])
    return list(found.items())
