"""The list of protections is whole and up to date; that they protect, `make protections` shows."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from tools.protection_list import PROTECTIONS, ROWS, Protection
from tools.protections import Unproven, chosen, prove, taken_out

ROOT = Path(__file__).resolve().parent.parent
by_protection = pytest.mark.parametrize(
    "one", PROTECTIONS, ids=lambda one: f"{one.row}: {one.what}"
)


@cache
def _functions(file: str) -> frozenset[str]:
    tree = ast.parse((ROOT / file).read_text())
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


@cache
def _documented() -> dict[int, str]:
    """Row number of docs/faults.md to the row's text."""
    rows = {}
    for line in (ROOT / "docs/faults.md").read_text().splitlines():
        number = line.removeprefix("| ").partition(" ")[0]
        if line.startswith("| ") and number.isdecimal():
            rows[int(number)] = line
    return rows


def test_every_row_has_a_protection() -> None:
    assert {one.row for one in PROTECTIONS} == set(ROWS) == set(_documented())


@by_protection
def test_it_can_be_taken_out(one: Protection) -> None:
    source = (ROOT / one.file).read_text()
    assert taken_out(source, one) != source


@by_protection
def test_its_tests_are_there_and_documented(one: Protection) -> None:
    assert one.tests
    for test in one.tests:
        file, _, name = test.partition("::")
        assert name.startswith("test_") and name in _functions(file), test
        assert file in _documented()[one.row], f"row {one.row} of docs/faults.md lacks {file}"


def test_a_text_that_is_gone_or_doubled_is_told() -> None:
    one = PROTECTIONS[0]
    for source in ("", one.text * 2):
        with pytest.raises(Unproven, match="stands"):
            taken_out(source, one)


def test_rows_can_be_chosen() -> None:
    assert {one.row for one in chosen([8, 16])} == {8, 16}
    assert chosen([]) == list(PROTECTIONS)


FILE = """
def guard(value):
    if value < 0:
        raise ValueError("negative")
    return value
"""
TESTS = """
import pytest
from guarded import guard

def test_sharp():
    with pytest.raises(ValueError):
        guard(-1)

def test_blunt():
    assert guard(1) == 1
"""


@pytest.mark.parametrize(
    ("without", "tests", "why"),
    [
        ("if False:", ["test_sharp"], None),
        ("if False:", ["test_sharp", "test_blunt"], "still passing: test_it.py::test_blunt"),
        ("if values:", ["test_sharp"], "source is broken"),
        ("if (", ["test_sharp"], "no Python"),
        ("if False:", ["test_gone"], "pytest ended with 4"),
    ],
)
def test_only_a_test_that_misses_the_protection_proves_it(
    tmp_path: Path, without: str, tests: list[str], why: str | None
) -> None:
    (tmp_path / "guarded.py").write_text(FILE)
    (tmp_path / "test_it.py").write_text(TESTS)
    names = tuple(f"test_it.py::{test}" for test in tests)
    one = Protection(1, "a guard", "guarded.py", "if value < 0:", without, names)
    if why is None:
        prove(tmp_path, one)
    else:
        with pytest.raises(Unproven, match=why):
            prove(tmp_path, one)
    assert (tmp_path / "guarded.py").read_text() == FILE
