"""What is shown equals what the committed records give."""

from pathlib import Path

import pytest

from mrcl_bench.compare import load
from mrcl_bench.report.tables import render_tables
from tools.update_readme import MARKED, fill

ROOT = Path(__file__).resolve().parent.parent
PROFILE = "small"


@pytest.fixture(scope="module")
def tables() -> dict[str, str]:
    results = load(ROOT / "results", PROFILE)
    assert not results.problems
    return render_tables(PROFILE, results.of(PROFILE))


def test_table_files_equal_records(tables):
    folder = ROOT / "results" / "tables" / PROFILE
    assert {path.name for path in folder.iterdir()} == set(tables)
    for name, text in tables.items():
        assert (folder / name).read_text() == text, f"{name}: run tools/update_readme.py"


def test_readme_equals_records(tables):
    readme = (ROOT / "README.md").read_text()
    assert len(MARKED.findall(readme)) >= 3
    assert fill(readme, tables) == readme, "run tools/update_readme.py"


def test_a_changed_number_would_be_noticed(tables):
    readme = (ROOT / "README.md").read_text()
    for _, name, _ in MARKED.findall(readme):
        digit = next(c for c in reversed(tables[f"{name}.md"]) if c.isdigit())
        changed = tables[f"{name}.md"].replace(digit, str((int(digit) + 1) % 10))
        assert fill(readme, {**tables, f"{name}.md": changed}) != readme
