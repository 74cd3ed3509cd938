"""LaTeX: compiles alone whatever records say, and cell states can be told apart."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrcl_bench.compare import load
from mrcl_bench.report import latex
from mrcl_bench.report.tables import profile_views
from mrcl_bench.report.views import Head, Row, Text, View

from ..conftest import Cli
from ..factories import example, save

ROOT = Path(__file__).resolve().parent.parent.parent
HOSTILE = [
    r"\input{/etc/passwd}", "100 % & {more} #1 $x$ a_b^c ~", r"\end{document}", "[brackets]",
    "naïve Łódź œuvre Ångström ß", "中文 🦊 \u202e", "a|b <c> \"d\" 'e' `f`", "line\nbreak\x00\x07",
]  # fmt: skip


def _hostile_views() -> list[View]:
    rows = tuple(
        Row(text, (Text(text, "best"), Text(text, "failed")), reference=place > 3)
        for place, text in enumerate(HOSTILE)
    )
    prose = View("Prose " + HOSTILE[0], "c", (Head("", HOSTILE[1]),), (Row("[a]", (Text("[b]"),)),),
                 ("note {best} " + HOSTILE[5],), prose=True)  # fmt: skip
    wide = View("Wide", "r", tuple(Head(f"g{i // 2}", "a title") for i in range(60)),
                (Row("x", tuple(Text("1.0 ±0.1") for _ in range(60))),))  # fmt: skip
    high = View("High", "r", (Head("", "v"),), tuple(Row(str(i), (Text("1"),)) for i in range(120)))
    empty = View("Empty", "r", (Head("", "v"),), (), ("Nothing.",))
    groups = (Head(HOSTILE[1], "one"), Head("", "two"))
    hostile = View(HOSTILE[1], HOSTILE[2], groups, rows, tuple(HOSTILE))
    return [hostile, prose, wide, high, empty]


def _compile(text: str, folder: Path) -> str:
    """Compiles a document that lies alone in a folder; returns the log."""
    (folder / "tables.tex").write_text(text)
    done = subprocess.run(
        [
            "pdflatex",
            "-interaction=nonstopmode",
            "-halt-on-error",
            "-no-shell-escape",
            "tables.tex",
        ],
        cwd=folder,
        capture_output=True,
        timeout=120,
    )
    log = (folder / "tables.log").read_text(errors="replace")
    assert done.returncode == 0, log[-3000:]
    assert (folder / "tables.pdf").read_bytes().startswith(b"%PDF")
    return log


needs_latex = [
    pytest.mark.latex,
    pytest.mark.skipif(
        shutil.which("pdflatex") is None,
        reason="no pdflatex (Debian: apt-get install texlive-latex-recommended)",
    ),
]


class TestCompiles:
    pytestmark = needs_latex

    def test_committed_records(self, tmp_path: Path) -> None:
        loaded = load(ROOT / "results", "small")
        found = profile_views("small", loaded.of("small"), with_published=True)
        log = _compile(latex.render([v for group in found.values() for v in group]), tmp_path)
        assert "Overfull \\hbox" not in log

    def test_every_state(self, tmp_path: Path) -> None:
        found = profile_views("tiny", example())
        _compile(latex.render([v for group in found.values() for v in group]), tmp_path)

    def test_hostile_text_and_any_size(self, tmp_path: Path) -> None:
        log = _compile(latex.render(_hostile_views()), tmp_path)
        assert "Overfull \\hbox" not in re.sub(r"Overfull \\hbox.*paragraph.*", "", log)

    def test_no_table_at_all(self, tmp_path: Path) -> None:
        _compile(latex.render([]), tmp_path)

    def test_what_the_command_prints(self, cli: Cli, tmp_path: Path) -> None:
        save(tmp_path, *example())
        done = cli("compare", "--no-write", "--format", "latex")
        assert done.returncode == 0, done.stderr
        _compile(done.stdout, tmp_path)


def test_what_compare_marks_is_marked() -> None:
    view = View(
        "T", "recipe", (Head("P", "a"), Head("P", "b"), Head("", "c")),
        (
            Row("one", (Text("1.0", "best"), Text("0.9", "near"), Text("diverged", "failed"))),
            Row("ref", (Text("2.0"), Text("—", "muted"), Text("†", "muted")), reference=True),
            Row("paper", (Text("3.0 [1]", "published"), Text(""), Text("")), published=True),
        ),
        ("{best}: best",),
    )  # fmt: skip
    text = latex.render([view])
    assert r"\textbf{1.0}" in text and r"0.9 $\approx$" in text and r"\textit{diverged}" in text
    assert r"\multicolumn{2}{c}{P}" in text and r"\cmidrule(lr){2-3}" in text
    assert text.index("one &") < text.index(r"\textit{references}") < text.index("ref &")
    assert text.index("ref &") < text.index(r"\textit{published}") < text.index("paper &")
    assert text.count(r"\midrule") == 3
    assert r"\item \textbf{bold}: best" in text
    assert "---" in text and r"$\dagger$" in text


@given(st.text())
def test_nothing_active_survives_escaping(text: str) -> None:
    shown = latex.escape(text)
    assert shown.isascii() and "\n" not in shown
    rest = re.sub(r"\\[`'^~=u.\"rHvc]\{[A-Za-z]\}", "", shown)
    rest = rest.replace("~", "", text.count("\u00a0"))
    for safe in sorted({*latex._SIGNS.values()} - {"'", "-", "~"}, key=len, reverse=True):
        rest = rest.replace(safe, "")
    assert not set(rest) & set("\\{}$&#%_^~")
