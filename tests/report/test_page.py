"""The report page: valid HTML, nothing from the network, nothing from records taken as markup."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mrcl_bench.compare import load
from mrcl_bench.errors import EXIT_FAILED, EXIT_USAGE
from mrcl_bench.report import figures
from mrcl_bench.report.figures import Figure
from mrcl_bench.report.html import page, pictures
from mrcl_bench.report.tables import profile_views

from ..conftest import Cli
from ..factories import example, make_record, save

html5lib = pytest.importorskip("html5lib")

ROOT = Path(__file__).resolve().parent.parent.parent
HTML = "{http://www.w3.org/1999/xhtml}"
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg onload=alert(1)>",
    "</table></main><iframe src=https://example.org>",
    "{{ 7 * 7 }}{% raw %}",
    "]]><!-- --> & &amp; \u202eevil\x00\x1b",
    r"costs $\frac{1}{ \undefined$ $x",
]
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
    'viewBox="0 0 9 9"><defs><clipPath id="c"><rect width="9" height="9"/></clipPath></defs>'
    '<g id="g" clip-path="url(#c)"><text x="1" y="5">a</text></g><use xlink:href="#g"/></svg>'
)


class _Plot:
    """Stands in for a module of report/plots."""

    def __init__(self, title: str) -> None:
        self.title = title

    def figure(self, profile: str, *rest: Any) -> Figure | None:
        return Figure(self.title, SVG, ("One sentence.", "Another."))


def _hostile() -> list[Any]:
    records = []
    for place, text in enumerate(HOSTILE):
        records.append(
            make_record(
                recipe={"name": f"r{place}", "display": text},
                protocol={"name": "p", "display": HOSTILE[0]},
                flags=[text],
                command=text,
                environment={"device": text, "git_commit": text, "packages": {text: text}},
                **({"failure": {"kind": "error", "message": text}} if place == 1 else {}),
            )
        )
    return records


def _parse(text: str) -> Any:
    """Parses strictly: the first error against HTML's grammar raises."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=True)
    return parser.parse(text)


def _elements(tree: Any, *names: str) -> list[Any]:
    return [e for e in tree.iter() if isinstance(e.tag, str) and e.tag in {HTML + n for n in names}]


def _of_any_kind(tree: Any, *names: str) -> list[Any]:
    """Elements by name in any namespace: SVG has scripts and frames of its own."""
    found = [e for e in tree.iter() if isinstance(e.tag, str)]
    return [e for e in found if e.tag.rsplit("}", 1)[-1] in names]


def _text(element: Any) -> str:
    return " ".join("".join(element.itertext()).split())


def _samples(root: Path, records: list[Any]) -> None:
    """Leaves pictures of every kind for some records."""
    rng = np.random.default_rng(0)

    def noise(*shape: int) -> Any:
        return rng.integers(0, 255, size=shape, dtype=np.uint8)

    scene = {f"image_{i}": noise(32, 40, 3) for i in range(3)}
    queries = noise(2, 16, 16, 3)
    for record in records:
        weights = np.array(record.checkpoint.sha256)
        classes = np.array(["<b>cat</b>", "dog"])
        folder = root / "results/runs/jobs" / record.profile / record.recipe.name
        folder = folder / record.protocol.name / f"seed{record.seed}"
        arrays: dict[str, Any] = {"weights": weights, "classes": classes}
        name = "samples.npz"
        if record.protocol.task == "detection":
            for i in range(3):
                boxes = np.array([[1.0, 2.0, 20.0, 22.0], [30.0, 5.0, 3.0, 9.0]])
                masks = rng.random((2, 32, 40)) > 0.5
                arrays |= {f"{t}boxes_{i}": boxes for t in ("", "true_")}
                arrays |= {f"{t}labels_{i}": np.array([0, 7]) for t in ("", "true_")}
                arrays |= {f"{t}masks_{i}": masks for t in ("", "true_")}
                arrays[f"scores_{i}"] = np.array([0.25, 0.75])
            arrays |= scene
        elif record.protocol.task == "segmentation":
            for i in range(3):
                labels = rng.integers(0, 2, size=(32, 40)).astype(np.uint8)
                labels[0] = 255
                arrays |= {f"true_labels_{i}": labels, f"labels_{i}": 1 - labels // 255}
            arrays |= scene
        elif record.protocol.family == "knn":
            name = "neighbours.npz"
            arrays |= {
                "queries": np.arange(2), "neighbours": np.arange(4).reshape(2, 2),
                "similarity": np.full((2, 2), 0.5), "query_labels": np.array([0, 1]),
                "neighbour_labels": np.array([[0, 1], [1, 9]]),
                "query_images": queries, "neighbour_images": noise(2, 2, 16, 16, 3),
            }  # fmt: skip
        else:
            continue
        folder.mkdir(parents=True)
        np.savez(folder / name, **arrays)
    masked = [r for r in records if r.recipe.algorithm in ("mrcl", "mae")]
    for record in {r.recipe.name: r for r in masked}.values():
        folder = root / "checkpoints" / record.profile / record.recipe.name
        folder.mkdir(parents=True)
        three = {key: noise(2, 16, 16, 3) for key in ("masked", "reconstructed", "original")}
        weights = np.array(record.checkpoint.sha256)
        np.savez(folder / "samples.npz", **three, mask_ratio=0.5, weights=weights)


@pytest.fixture
def full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A page with every cell state, pictures of every kind and two figures."""
    records = example()
    save(tmp_path, *records)
    _samples(tmp_path, [r for r in records if r.seed == 0 and r.status == "completed"])
    plots = [("one", _Plot("Transfer")), ("two", _Plot("Budget"))]
    monkeypatch.setattr(figures, "_plots", lambda: plots)
    return page.render(load(tmp_path / "results"))


@pytest.fixture
def hostile(tmp_path: Path) -> str:
    save(tmp_path, *_hostile())
    return page.render(load(tmp_path / "results"))


@pytest.fixture(scope="module")
def committed() -> str:
    return page.render(load(ROOT / "results", "small"), with_published=True)


@pytest.fixture(params=["full", "hostile", "committed"])
def any_page(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


def test_it_is_valid_html(any_page: str) -> None:
    tree = _parse(any_page)
    ids = [e.get("id") for e in tree.iter() if isinstance(e.tag, str) and e.get("id")]
    assert len(ids) == len(set(ids))
    for element in tree.iter():
        for attribute in ("aria-labelledby", "aria-describedby"):
            if isinstance(element.tag, str) and element.get(attribute):
                assert element.get(attribute) in ids
    for link in _elements(tree, "a"):
        assert link.get("href").removeprefix("#") in ids


def test_a_fault_would_be_noticed(full: str) -> None:
    with pytest.raises(html5lib.html5parser.ParseError):
        _parse(full.replace("</main>", "</mian>"))


def _references(tree: Any) -> Iterator[str]:
    for element in tree.iter():
        if not isinstance(element.tag, str):
            continue
        for name, value in element.attrib.items():
            bare = str(name).rsplit("}", 1)[-1]
            if bare in ("src", "srcset", "href", "action", "poster", "data", "background", "ping"):
                yield value
            if "url(" in value:
                yield from re.findall(r"url\(\s*['\"]?([^)'\"]*)", value)
        if element.tag.endswith("}style"):
            assert "@import" not in (element.text or "")
            yield from re.findall(r"url\(\s*['\"]?([^)'\"]*)", element.text or "")


def test_it_loads_nothing(any_page: str) -> None:
    tree = _parse(any_page)
    found = list(_references(tree))
    assert found
    assert [r for r in found if not r.startswith(("#", "data:"))] == []
    assert not _elements(tree, "iframe", "object", "embed", "base", "form", "video", "audio")


def test_the_browser_is_told_to_load_nothing_and_to_run_one_script(any_page: str) -> None:
    tree = _parse(any_page)
    (script,) = _of_any_kind(tree, "script")
    (policy,) = [
        e.get("content")
        for e in _elements(tree, "meta")
        if e.get("http-equiv") == "Content-Security-Policy"
    ]
    digest = base64.b64encode(hashlib.sha256(script.text.encode()).digest()).decode()
    assert "default-src 'none'" in policy and f"script-src 'sha256-{digest}'" in policy


def test_records_are_text_and_never_markup(hostile: str) -> None:
    tree = _parse(hostile)
    assert len(_of_any_kind(tree, "script")) == 1
    assert not _of_any_kind(tree, "img", "iframe", "image", "foreignObject", "set", "animate")
    for element in tree.iter():
        if isinstance(element.tag, str):
            assert not [name for name in element.attrib if str(name).lower().startswith("on")]
    labels = {_text(th) for th in _elements(tree, "th") if th.get("scope") == "row"}
    for text in HOSTILE[:5]:
        assert text in labels
    assert "\u202e" not in hostile and "\x00" not in hostile and "\x1b" not in hostile
    assert "49" not in "".join(labels)  # templates in records are not run


def test_it_can_be_read_without_seeing_it(full: str) -> None:
    tree = _parse(full)
    (root,) = _elements(tree, "html")
    assert root.get("lang") == "en" and _elements(tree, "main", "nav", "title")
    levels = [int(e.tag[-1]) for e in _elements(tree, "h1", "h2", "h3", "h4")]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(levels, levels[1:], strict=False))
    images = _elements(tree, "img")
    assert images and all(len(e.get("alt")) > 5 for e in images)
    for table in _elements(tree, "table"):
        (caption,) = [e for e in table if e.tag == HTML + "caption"]
        assert _text(caption)
        assert all(e.get("scope") for e in table.iter(HTML + "th"))
    for scrolled in [e for e in _elements(tree, "div") if "scroll" in e.get("class", "").split()]:
        assert scrolled.get("tabindex") == "0"
        assert scrolled.get("aria-label") or scrolled.get("aria-labelledby")


def test_colours_can_be_told_from_their_ground() -> None:
    """WCAG 2.1, 1.4.3: a contrast of at least 4.5 to 1 for text."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    style = (Path(page.__file__).parent / "style.css").read_text()
    found = re.findall(r":root \{([^}]*)\}", style)
    schemes = [dict(re.findall(r"--([\w-]+): (#\w{6})", block)) for block in found]
    assert len(schemes) == 3  # light, dark, print
    for scheme in schemes:
        pairs = list(product(("ink", "muted", "accent", "failed"), ("paper", "raised", "stripe")))
        if "warn" in scheme:
            pairs.append(("warn-ink", "warn"))
        for ink, ground in pairs:
            high, low = sorted((luminance(scheme[ink]), luminance(scheme[ground])), reverse=True)
            assert (high + 0.05) / (low + 0.05) >= 4.5, (ink, ground, scheme)


def test_tables_say_what_the_others_say(full: str) -> None:
    tree = _parse(full)
    shown = {_text(t.find(HTML + "caption")): t for t in _elements(tree, "table")}
    for group in profile_views("tiny", example()).values():
        for view in group:
            rows = [
                [_text(cell) for cell in row]
                for row in shown[view.title].iter(HTML + "tr")
                if any(cell.get("scope") == "row" for cell in row)
            ]
            for row, expected in zip(rows, view.rows, strict=True):
                assert row[0] == expected.label
                for got, cell in zip(row[1:], expected.cells, strict=True):
                    sign = " ≈" if cell.kind == "near" else ""
                    assert got == " ".join(f"{cell.text}{sign}".split())
    table = shown["Classification, vit-t6, profile tiny"]
    assert [_text(e) for e in table.iter(HTML + "strong")]
    detection = shown["Detection, vit-t6, profile tiny"]
    failed = [e for e in detection.iter(HTML + "span") if e.get("class") == "failed"]
    assert {_text(e) for e in failed} == {"diverged"}


def test_figures_have_ids_of_their_own(full: str) -> None:
    assert full.count('id="tiny-one-c"') == full.count('id="tiny-two-c"') == 1
    assert "url(#tiny-one-c)" in full and 'xlink:href="#tiny-two-g"' in full
    assert "One sentence. Another." in full


def test_pictures_of_every_kind(full: str) -> None:
    tree = _parse(full)
    alts = [e.get("alt") for e in _elements(tree, "img")]
    assert "MRCL: input, 50 % hidden, training picture 1" in alts
    assert "Val picture 1, truth: <b>cat</b>, class 7" in alts
    assert "Val picture 1, prediction: class 7 0.75, <b>cat</b> 0.25" in alts
    assert any(re.fullmatch(r"Val picture 2, truth: (dog|<b>cat</b>) \d+ %.*", a) for a in alts)
    assert "Neighbour 2: class 9, similarity 0.50" in alts
    for image in _elements(tree, "img"):
        kind, _, data = image.get("src").partition(",")
        assert kind == "data:image/jpeg;base64" and len(base64.b64decode(data)) > 100


def test_without_pictures_it_is_said(hostile: str) -> None:
    assert "No pictures of profile tiny" in hostile


def _galleries(root: Path) -> list[pictures.Gallery]:
    loaded = load(root / "results")
    return pictures.galleries("tiny", loaded.records["tiny"], loaded.root)


def test_pictures_of_other_weights_are_left_out_and_named(tmp_path: Path) -> None:
    records = [
        make_record(recipe=name, protocol="vit-t6_upernet_stamps", metrics={"val/mIoU": 0.5})
        for name in ("mrcl_vit-t6_tiny", "mae_vit-t6_tiny", "simclr_vit-t6_tiny")
    ]
    save(tmp_path, *records)
    _samples(tmp_path, records)
    other = make_record(
        recipe="mae_vit-t6_tiny", protocol="vit-t6_upernet_stamps",
        metrics={"val/mIoU": 0.5}, checkpoint={"sha256": "0" * 64},
    )  # fmt: skip
    save(tmp_path, other)
    (path,) = (tmp_path / "results/runs").rglob("simclr*/*/*/samples.npz")
    path.write_bytes(b"no archive")
    scenes = next(g for g in _galleries(tmp_path) if g.title.startswith("UPerNet"))
    assert [strip.label for strip in scenes.strips] == ["Truth", "MRCL, seed 0"]
    assert any(n.startswith("The pictures of MAE, seed 0 are of other") for n in scenes.notes)
    assert any(n.startswith("The pictures of SimCLR, seed 0 cannot be read") for n in scenes.notes)


def test_a_recipe_that_saw_other_pictures_is_left_out(tmp_path: Path) -> None:
    records = [
        make_record(recipe=name, protocol="vit-t6_upernet_stamps", metrics={"val/mIoU": 0.5})
        for name in ("mrcl_vit-t6_tiny", "mae_vit-t6_tiny")
    ]
    save(tmp_path, *records)
    _samples(tmp_path, records)
    (path,) = (tmp_path / "results/runs").rglob("mae*/*/*/samples.npz")
    arrays = dict(np.load(path))
    np.savez(path, **{**arrays, "image_1": arrays["image_1"] // 2})
    scenes = next(g for g in _galleries(tmp_path) if g.title.startswith("UPerNet"))
    assert [strip.label for strip in scenes.strips] == ["Truth", "MRCL, seed 0"]
    assert "MAE saw other pictures and is left out." in scenes.notes


@pytest.mark.parametrize(
    ("shown", "value"),
    [
        ("46.7 ±0.8", "46.7"), ("+0.1 ±0.6", "+0.1"), ("-0.5", "-0.5"), ("<0.001", "0.001"),
        ("128\u202f000", "128000"), ("— 3/6", ""), ("diverged", ""), ("", ""), ("81.2 1/3", "81.2"),
    ],
)  # fmt: skip
def test_cells_are_sorted_by_their_number(shown: str, value: str) -> None:
    assert page.sort_value(shown) == value


def test_the_command_writes_the_file(cli: Cli, tmp_path: Path) -> None:
    path = save(tmp_path, *example())[0]
    done = cli("report")
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "results/report.html") in done.stdout and "MB" in done.stdout
    first = (tmp_path / "results/report.html").read_text()
    assert cli("report", "results", "--out", "a.html").returncode == 0
    assert (tmp_path / "a.html").read_text() == first  # nothing in it is of the moment
    assert cli("report", "--out", ".").returncode == EXIT_USAGE
    path.write_text("{")
    done = cli("report")
    assert done.returncode == EXIT_FAILED and "The page names them" in done.stderr
    assert str(path) in (tmp_path / "results/report.html").read_text()


def test_it_needs_neither_torch_nor_mm(tmp_path: Path) -> None:
    records = example()
    save(tmp_path, *records)
    _samples(tmp_path, [r for r in records if r.seed == 0 and r.status == "completed"])
    code = (
        "import sys, pathlib\n"
        "from mrcl_bench.compare import load\n"
        "from mrcl_bench.report.html.page import render\n"
        "assert 'data:image' in render(load(pathlib.Path(sys.argv[1])))\n"
        "heavy = {'torch', 'mmengine', 'mmcv', 'mmdet', 'mmseg', 'mmpretrain', 'cv2'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "results")], check=True)


def test_what_to_cite_is_what_the_citation_file_says(committed: str) -> None:
    said = _text(_elements(_parse(committed), "pre")[0])
    citation = (ROOT / "CITATION.cff").read_text()
    for title in re.findall(r'title: "(.*)"', citation):
        assert title in said
    for family, given in re.findall(r"family-names: (.*)\n\s+given-names: (.*)", citation):
        assert f"{family}, {given}" in said
    assert "arXiv:2211.09013" in said and "arXiv:2211.09013" in citation
    assert "author = {{mrcl-bench developers}}" in said
