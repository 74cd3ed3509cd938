"""Figures: found without a list, and drawn as SVG that can stand within a page."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from mrcl_bench.report import figures, plots
from mrcl_bench.report.figures import Figure, svg_text


def _draw(label: str = "a label") -> str:
    from matplotlib.figure import Figure as Canvas

    canvas = Canvas(figsize=(3, 2))
    axes = canvas.subplots()
    axes.plot([0, 1], [1, 2], color="black")
    axes.set_xlabel(label)
    return svg_text(canvas)


def test_a_module_is_all_that_a_figure_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "zz_drawn.py").write_text(
        "from mrcl_bench.report.figures import Figure\n"
        "def figure(profile, matrices, summaries, records):\n"
        "    return Figure(profile, '<svg/>')\n"
    )
    (tmp_path / "zz_nothing.py").write_text("def figure(*_): return None\n")
    (tmp_path / "_shared.py").write_text("raise RuntimeError('no figure')\n")
    monkeypatch.setattr(plots, "__path__", [str(tmp_path)])
    importlib.invalidate_caches()
    try:
        assert figures.figures("tiny", (), (), {}) == {"zz_drawn": Figure("tiny", "<svg/>")}
    finally:
        for name in ("zz_drawn", "zz_nothing"):
            sys.modules.pop(f"{plots.__name__}.{name}", None)


def test_svg_is_one_element_with_text_as_text_and_no_background() -> None:
    text = _draw()
    root = ElementTree.fromstring(text)
    assert root.tag.endswith("}svg")
    assert any(e.text == "a label" for e in root.iter() if e.tag.endswith("}text"))
    assert "metadata" not in text and "#ffffff" not in text
    assert "currentColor" in text and "#000000" not in text
    assert _draw() == text  # nothing of the moment in it


@pytest.mark.parametrize("label", [r"$\frac{1}{ $", "a $ b $ c", "<script>alert(1)</script>"])
def test_names_are_shown_as_they_are(label: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Plot:
        def figure(self, *_: Any) -> Figure:
            return Figure("t", _draw(label))

    monkeypatch.setattr(figures, "_plots", lambda: [("one", Plot())])
    root = ElementTree.fromstring(figures.figures("tiny", (), (), {})["one"].svg)
    assert any(e.text == label for e in root.iter() if e.tag.endswith("}text"))
