"""Views as one LaTeX document that pdflatex compiles alone, with booktabs."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from itertools import groupby

from .text import BEST_SIGN
from .views import Head, Row, Text, View

_PREAMBLE = r"""% Written by: mrcl-bench compare --format latex
% Compile with pdflatex; to use one table elsewhere, copy its tabular (needs booktabs).
\documentclass{article}
\usepackage[a4paper,landscape,margin=15mm]{geometry}
\usepackage{booktabs}
\usepackage{array}
\usepackage{graphicx}
\setlength{\parindent}{0pt}
\renewcommand{\labelitemi}{$\bullet$}
\newsavebox{\benchbox}
% A table is shrunk to the page where it is too wide or too high, never enlarged.
\newcommand{\benchfit}{%
  \ifdim\wd\benchbox>\linewidth
    \sbox{\benchbox}{\resizebox{\linewidth}{!}{\usebox{\benchbox}}}%
  \fi
  \ifdim\dimexpr\ht\benchbox+\dp\benchbox\relax>0.85\textheight
    \sbox{\benchbox}{\resizebox{!}{0.85\textheight}{\usebox{\benchbox}}}%
  \fi
  \usebox{\benchbox}}
"""
_SIGNS = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "'": "'",
    "-": "-",
    "±": r"$\pm$",
    "≈": r"$\approx$",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "−": "$-$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "Δ": r"$\Delta$",
    "σ": r"$\sigma$",
    "μ": r"$\mu$",
    "µ": r"$\mu$",
    "α": r"$\alpha$",
    "→": r"$\rightarrow$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "²": r"$^2$",
    "°": r"$^\circ$",
    "–": "--",
    "—": "---",
    "…": r"\ldots{}",
    "‘": "`",
    "’": "'",
    "“": "``",
    "”": "''",
    "†": r"$\dagger$",
    "‡": r"$\ddagger$",
    "§": r"$\mathsection$",
    "\u00a0": "~",
    "\u202f": r"\,",
    "\u2009": r"\,",
    "ß": r"\ss{}",
    "ø": r"\o{}",
    "Ø": r"\O{}",
    "æ": r"\ae{}",
    "Æ": r"\AE{}",
    "œ": r"\oe{}",
    "ł": r"\l{}",
    "Ł": r"\L{}",
    "ı": r"\i{}",
}
_ACCENTS = {
    "\u0300": "`",
    "\u0301": "'",
    "\u0302": "^",
    "\u0303": "~",
    "\u0304": "=",
    "\u0306": "u",
    "\u0307": ".",
    "\u0308": '"',
    "\u030a": "r",
    "\u030b": "H",
    "\u030c": "v",
    "\u0327": "c",
}
"""Combining marks and their commands, in every font encoding."""


def render(views: Iterable[View]) -> str:
    """Returns the views as a whole document."""
    body = "\n".join(_view(view) for view in views) or "There is no table to show.\n"
    return f"{_PREAMBLE}\\begin{{document}}\n\n{body}\n\\end{{document}}\n"


def escape(text: str) -> str:
    """Returns text as LaTeX that shows it in any font encoding.

    A sign that plain LaTeX cannot set is shown as its code point, e.g. ``[U+4E2D]``.
    """
    return "".join(_sign(sign) for sign in unicodedata.normalize("NFC", text))


def _sign(sign: str) -> str:
    if sign in _SIGNS:
        return _SIGNS[sign]
    if sign.isspace():
        return " "
    if sign.isascii() and sign.isprintable():
        return sign
    letter, *marks = list(unicodedata.normalize("NFD", sign))
    if letter.isascii() and letter.isalpha() and len(marks) == 1 and marks[0] in _ACCENTS:
        return rf"\{_ACCENTS[marks[0]]}{{{letter}}}"
    return f"[U+{ord(sign):04X}]"


def _view(view: View) -> str:
    lines = [rf"\section*{{{escape(view.title)}}}"]
    if view.rows:
        lines += [r"\sbox{\benchbox}{%", *_tabular(view), "}%", r"\benchfit", ""]
    if view.notes:
        lines += [r"\begin{itemize}\footnotesize\setlength{\itemsep}{0pt}"]
        lines += [rf"\item {_note(note)}" for note in view.notes]
        lines += [r"\end{itemize}"]
    return "\n".join([*lines, r"\clearpage", ""])


def _note(note: str) -> str:
    return r"\textbf{bold}".join(map(escape, note.split(BEST_SIGN)))


def _tabular(view: View) -> list[str]:
    columns = len(view.heads)
    kind = r">{\raggedright\arraybackslash}p{70mm}" if view.prose else "r"
    lines = [rf"\begin{{tabular}}{{l{kind * columns}}}", r"\toprule"]
    lines += _heads(view)
    lines.append(r"\midrule")
    block = ""
    for place, row in enumerate(view.rows):
        before, block = block, "published" if row.published else "references" * row.reference
        if block != before:
            rule = r"\midrule" if place else ""
            name = rf"\multicolumn{{{columns + 1}}}{{l}}{{\textit{{{block}}}}} \\" if block else ""
            lines += [line for line in (rule, name) if line]
        lines.append(_row(row))
    return [*lines, r"\bottomrule", r"\end{tabular}"]


def _heads(view: View) -> list[str]:
    titles = _cells([escape(view.corner), *(escape(head.title) for head in view.heads)])
    groups = [(name, len(list(members))) for name, members in groupby(view.heads, _group)]
    if not any(name for name, _ in groups):
        return [titles]
    over, rules, place = [""], [], 2
    for name, width in groups:
        over.append(rf"\multicolumn{{{width}}}{{c}}{{{escape(name)}}}" if name else "")
        over += [""] * (width - 1) if not name else []
        if name:
            rules.append(rf"\cmidrule(lr){{{place}-{place + width - 1}}}")
        place += width
    return [_cells(over), " ".join(rules), titles]


def _group(head: Head) -> str:
    return head.group


def _row(row: Row) -> str:
    return _cells([escape(row.label), *map(_cell, row.cells)])


def _cell(cell: Text) -> str:
    shown = escape(cell.text)
    if cell.kind == "best":
        return rf"\textbf{{{shown}}}"
    if cell.kind == "near":
        return rf"{shown} $\approx$"
    return rf"\textit{{{shown}}}" if cell.kind in ("failed", "published") and shown else shown


def _cells(texts: Sequence[str]) -> str:
    # A cell that begins with a bracket would be read as the option of the line's end before it.
    guarded = [rf"{{}}{text}" if text.startswith("[") else text for text in texts]
    return " & ".join(guarded) + r" \\"
