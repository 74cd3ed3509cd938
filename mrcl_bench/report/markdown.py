"""Views as GitHub Markdown."""

from __future__ import annotations

from collections.abc import Iterable

from .text import BEST_SIGN
from .views import Text, View


def render(views: Iterable[View]) -> str:
    """Returns the views as one Markdown document that ends in a newline."""
    return "\n".join(_view(view) for view in views)


def _view(view: View) -> str:
    from tabulate import tabulate

    heads = [f"{h.group}: {h.title}" if h.group else h.title for h in view.heads]
    rows: list[list[str]] = []
    block = ""
    for row in view.rows:
        before, block = block, row.section
        if block and block != before and (rows or row.block):
            rows.append([f"*{_escape(block)}*", *([""] * len(heads))])
        rows.append([_escape(row.label), *(_cell(cell) for cell in row.cells)])
    table: str = tabulate(
        rows,
        headers=[view.corner, *map(_escape, heads)],
        tablefmt="pipe",
        colalign=("left", *(["left" if view.prose else "right"] * len(heads))),
        disable_numparse=True,
    )
    notes = "".join(f"\n- {_escape(note).replace(BEST_SIGN, '**bold**')}" for note in view.notes)
    return f"## {view.title}\n\n{table}\n" + (f"{notes}\n" if notes else "")


def _cell(cell: Text) -> str:
    shown = _escape(cell.text)
    if cell.kind == "best":
        return f"**{shown}**"
    if cell.kind == "near":
        return f"{shown} ≈"
    return f"*{shown}*" if cell.kind == "failed" else shown


def _escape(text: str) -> str:
    for sign in "\\|*_<>`":
        text = text.replace(sign, f"\\{sign}")
    return text
