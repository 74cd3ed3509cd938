"""The report page in a real browser: its script runs, sorts, and the page fits a phone."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mrcl_bench.compare import load
from mrcl_bench.report.html import page

from ..factories import example, save

BROWSER = next(
    (b for b in ("chromium", "chromium-browser", "google-chrome") if shutil.which(b)), ""
)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not BROWSER, reason="no Chromium (Debian: apt-get install chromium)"),
]
DARK = "--blink-settings=preferredColorScheme=0"
MEASURE = """
<script>
addEventListener("load", () => {
  const out = document.createElement("pre");
  out.id = "measured";
  out.textContent = JSON.stringify((() => { %s })());
  document.body.append(out);
});
</script></body>"""
COLUMN = """
const table = document.getElementById("p1-table1");
const heads = [...table.querySelectorAll("tr.leaves > th")];
const labels = () => [...table.tBodies].map((body) =>
  [...body.rows].filter((row) => !row.className).map((row) => row.cells[0].textContent));
const seen = [labels()];
const button = heads[2].querySelector("button");
button.focus();
const focused = document.activeElement === button;
for (let i = 0; i < 2; i++) { button.click(); seen.push(labels(), heads[2].ariaSort); }
heads[0].querySelector("button").click();
seen.push(labels(), heads[2].ariaSort, focused, table.tBodies[1].rows[0].className);
return seen;
"""
WIDTHS = """
const wide = [...document.querySelectorAll("body *")].filter((each) =>
  !each.closest(".scroll, pre, .skip") && each.getBoundingClientRect().right > innerWidth + 1);
return {
  window: innerWidth,
  page: document.documentElement.scrollWidth,
  wide: wide.map((each) => each.tagName + "." + each.className),
  scrolled: [...document.querySelectorAll(".scroll")].filter(
    (each) => each.scrollWidth > each.clientWidth && getComputedStyle(each).overflowX === "auto"
  ).length,
};
"""
COLOURS = "const s = getComputedStyle(document.body); return [s.backgroundColor, s.color];"


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    root = tmp_path_factory.mktemp("report")
    save(root, *example())
    return page.render(load(root / "results"))


def _browse(folder: Path, file: Path, *options: str) -> str:
    done = subprocess.run(
        [
            BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=2000", *options,
            file.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def _without_policy(text: str) -> str:
    return re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)


def _measured(folder: Path, text: str, code: str, *options: str) -> object:
    """Runs a function body in the page; its policy, which forbids just that, is taken out."""
    file = folder / "measured.html"
    file.write_text(_without_policy(text).replace("</body>", MEASURE % code))
    dom = _browse(folder, file, "--dump-dom", *options)
    found = re.search(r'<pre id="measured">(.*?)</pre>', dom, re.DOTALL)
    assert found, dom[-2000:]
    return json.loads(found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))


def test_its_own_script_runs_and_no_other(tmp_path: Path, text: str) -> None:
    file = tmp_path / "page.html"
    file.write_text(text.replace("</body>", '<script>document.title = "other"</script></body>'))
    dom = _browse(tmp_path, file, "--dump-dom")
    assert '<html lang="en" class="sortable">' in dom
    assert "<title>mrcl-bench report: tiny</title>" in dom


def test_a_title_sorts_and_references_stay_apart(tmp_path: Path, text: str) -> None:
    before, falling, first, rising, second, by_name, unset, focused, block = _measured(  # type: ignore[misc]
        tmp_path, text, COLUMN
    )
    assert before == [["MRCL", "MAE", "SimCLR"], ["Supervised", "Random init"]]
    # The column is the linear probe: 84.0, 78.7, 83.5; 91.0, 42.0
    assert falling == [["MRCL", "SimCLR", "MAE"], ["Supervised", "Random init"]]
    assert rising == [["MAE", "SimCLR", "MRCL"], ["Random init", "Supervised"]]
    assert (first, second) == ("descending", "ascending")
    assert by_name[0] == ["MAE", "MRCL", "SimCLR"] and unset is None
    assert focused is True and block == "block"


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_is_no_wider_than_its_window(tmp_path: Path, text: str, width: int) -> None:
    # A frame of that width: windows themselves have a least width in some versions.
    inner = _without_policy(text).replace("&", "&amp;").replace("'", "&#39;")
    outer = (
        "<!DOCTYPE html><title>t</title><body>"
        f"<iframe id=f width={width} height=900 srcdoc='{inner}'></iframe></body>"
    )
    code = WIDTHS.replace("document.", "d.").replace("innerWidth", "w.innerWidth")
    code = f'const w = document.getElementById("f").contentWindow, d = w.document; {code}'
    file = tmp_path / "outer.html"
    file.write_text(outer.replace("</body>", MEASURE % code))
    dom = _browse(tmp_path, file, "--dump-dom")
    found = re.search(r'<pre id="measured">(.*?)</pre>', dom, re.DOTALL)
    assert found
    said = json.loads(found[1])
    assert said["window"] == width
    assert said["page"] <= width and said["wide"] == []
    if width == 390:
        assert said["scrolled"] > 0  # wide tables scroll within themselves


def test_dark_where_the_reader_wants_it_dark(tmp_path: Path, text: str) -> None:
    assert _measured(tmp_path, text, COLOURS) == ["rgb(255, 255, 255)", "rgb(27, 31, 36)"]
    assert _measured(tmp_path, text, COLOURS, DARK) == ["rgb(20, 23, 26)", "rgb(230, 232, 234)"]


def test_it_can_be_printed(tmp_path: Path, text: str) -> None:
    file, pdf = tmp_path / "page.html", tmp_path / "page.pdf"
    file.write_text(text)
    _browse(tmp_path, file, "--no-pdf-header-footer", f"--print-to-pdf={pdf}")
    assert pdf.read_bytes().startswith(b"%PDF") and pdf.stat().st_size > 20_000
    if shutil.which("pdftotext"):
        done = subprocess.run(["pdftotext", str(pdf), "-"], capture_output=True, text=True)
        assert "mrcl-bench run --recipe" in " ".join(done.stdout.split())  # details are opened


def test_a_screenshot_shows_something(tmp_path: Path, text: str) -> None:
    import numpy as np
    from PIL import Image

    file, shot = tmp_path / "page.html", tmp_path / "shot.png"
    file.write_text(text)
    _browse(tmp_path, file, "--window-size=1000,1400", f"--screenshot={shot}")
    pixels = np.asarray(Image.open(shot).convert("L"))
    assert pixels.shape == (1400, 1000)
    assert (pixels > 240).mean() > 0.5 and 0.01 < (pixels < 120).mean() < 0.3
