"""Views for the terminal, split by protocol where the window is too narrow."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text as RichText

from .text import BEST_SIGN
from .views import Kind, Text, View

_STYLE: dict[Kind, str] = {
    "": "",
    "best": "bold",
    "near": "",
    "muted": "dim",
    "failed": "red",
    "published": "italic dim",
}
_SIGN: dict[Kind, str] = {"best": "*", "near": "≈"}
_PADDING = 2
_GAP = _PADDING + 1  # rich draws a blank between columns
_GAP_TEXT = " " * _GAP
_GROUP_WIDTH = 14
_INDENT = 2
_TABLE_PAD = (0, 0, 1, _INDENT)


@dataclass(frozen=True)
class _Column:
    group: str
    head: tuple[str, ...]
    cells: tuple[tuple[str, Kind], ...]
    width: int


def console() -> Console:
    """Returns a console on stdout; colour only where stdout is a terminal."""
    return Console(highlight=False)


def show(views: Iterable[View], to: Console) -> None:
    """Prints the views; no line is wider than the console, and no number is cut."""
    for view in views:
        to.print(RichText(view.title, style="bold"))
        if not view.rows:
            pass  # the notes say why there are none
        elif view.prose:
            to.print(Padding(_prose(view), _TABLE_PAD))
        else:
            for part in _parts(view, to.width):
                to.print(Padding(part, _TABLE_PAD))
        for note in view.notes:
            to.print(Padding(RichText(note.replace(BEST_SIGN, "*"), style="dim"), (0, 2)))
        to.print()


def _table() -> Table:
    return Table(box=box.SIMPLE, show_edge=False, pad_edge=False, padding=(0, _PADDING, 0, 0))


def _prose(view: View) -> Table:
    table = _table()
    table.add_column(escape(view.corner), header_style="dim", overflow="fold")
    for head in view.heads:
        table.add_column(escape(head.title), header_style="dim", overflow="fold")
    for row in view.rows:
        table.add_row(escape(row.label), *(escape(cell.text) for cell in row.cells))
    return table


def _parts(view: View, width: int) -> Iterator[Table]:
    labels = [row.label for row in view.rows]
    room = width - _INDENT - max(map(cell_len, [view.corner, *labels])) - _GAP
    part: list[_Column] = []
    for group in _groups(view):
        if part and _width(part) + _width(group) > room:
            yield _numbers(view, part)
            part = []
        if _width(group) <= room:
            part += group
            continue
        for column in group:  # one protocol alone is too wide: split it as well
            if part and _width(part) + _width([column]) > room:
                yield _numbers(view, part)
                part = []
            part.append(column if part else _with_group(column))
    if part:
        yield _numbers(view, part)


def _width(columns: list[_Column]) -> int:
    return sum(column.width + _GAP for column in columns)


def _groups(view: View) -> list[list[_Column]]:
    groups: list[list[_Column]] = []
    for index, head in enumerate(view.heads):
        shown = _signed([row.cells[index] for row in view.rows])
        width = max(cell_len(line) for line in [head.title, *(t for t, _ in shown)])
        column = _Column(head.group, (head.title,), tuple(shown), width)
        if head.group and groups and groups[-1][0].group == head.group:
            groups[-1].append(column)
        else:
            groups.append([_with_group(column)])
    return groups


def _with_group(column: _Column) -> _Column:
    """Puts the group's name over a column, unless it is there already."""
    if not column.group or len(column.head) > 1:
        return column
    over = textwrap.wrap(column.group, _GROUP_WIDTH)
    width = max([column.width, *map(cell_len, over)])
    return replace(column, head=(*over, *column.head), width=width)


def _signed(cells: list[Text]) -> list[tuple[str, Kind]]:
    """Adds the sign of best and near; the others get a blank, so that the digits line up."""
    signs = any(cell.kind in _SIGN for cell in cells)
    return [
        (f"{cell.text} {_SIGN.get(cell.kind, ' ')}" if signs else cell.text, cell.kind)
        for cell in cells
    ]


def _numbers(view: View, columns: list[_Column]) -> Table:
    table = _table()
    height = max(len(column.head) for column in columns)
    table.add_column("\n" * (height - 1) + view.corner, header_style="dim", no_wrap=True)
    # Padded by hand: rich strips the blanks that stand for a sign when it justifies to the right.
    # One cell for all columns and rows of a block: rich takes its time for each.
    heads = [("",) * (height - len(column.head)) + column.head for column in columns]
    lines = [
        _GAP_TEXT.join(_right(head[line], c.width) for head, c in zip(heads, columns, strict=True))
        for line in range(height)
    ]
    table.add_column(RichText("\n".join(lines)), header_style="", no_wrap=True)
    for _, rows in groupby(range(len(view.rows)), key=lambda i: view.rows[i].section):
        body = RichText()
        labels: list[str] = []
        for index in rows:
            body.append("\n" * bool(labels))
            labels.append(view.rows[index].label)
            for place, column in enumerate(columns):
                shown, kind = column.cells[index]
                body.append(_GAP_TEXT * (place > 0) + _right(shown, column.width), _STYLE[kind])
        table.add_row(RichText("\n".join(labels)), body, end_section=True)
    return table


def _right(text: str, width: int) -> str:
    return " " * (width - cell_len(text)) + text
