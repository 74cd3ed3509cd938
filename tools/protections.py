"""Takes out each protection of `tools.protection_list`, and sees that its tests fail.

    python -m tools.protections --row 8 --row 16

A test that passes with its protection taken out proves nothing. The tree is copied to a temporary
folder, one text is replaced by another there, and the named tests are run: each must fail by itself
(not because the file cannot be imported), and all must pass in the copy as it is. Exit code 0 if
all of that held.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.etree import ElementTree

from tools.protection_list import PROTECTIONS, Protection

ROOT = Path(__file__).resolve().parent.parent
_MINUTES = 15
_BROKEN = re.compile(r"\b(Syntax|Indentation|Import|ModuleNotFound|Name|UnboundLocal)Error\b")
"""What a test raises when the source is broken, not unprotected."""


class Unproven(Exception):
    """A protection could not be taken out, or its tests did not run."""


def copy_tree(target: Path) -> None:
    """Copies what git knows or would add, as it is on the disk."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True, text=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def taken_out(source: str, one: Protection) -> str:
    """Returns a file's source without the protection.

    Raises:
        Unproven: Its text is not there exactly once, or the result is no Python.
    """
    if (count := source.count(one.text)) != 1:
        raise Unproven(f"its text stands {count} times in {one.file}")
    without = source.replace(one.text, one.without)
    try:
        compile(without, one.file, "exec")
    except SyntaxError as error:
        raise Unproven(f"{one.file} is no Python without it: {error}") from None
    return without


def run_tests(folder: Path, tests: Iterable[str]) -> dict[str, list[str]]:
    """Runs tests in a copy of the tree.

    Args:
        folder: The copy.
        tests: Their ids, without parameters.

    Returns:
        Each test that ran, to what made its cases fail; a case that passed or was skipped is an
        empty text.

    Raises:
        Unproven: pytest did not get as far as running all of them.
    """
    report = folder / "junit.xml"
    report.unlink(missing_ok=True)
    names = list(dict.fromkeys(tests))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        f"--junitxml={report}",
    ]
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            [*command, *names], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=60 * _MINUTES,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Unproven(f"no end after {_MINUTES} minutes") from None
    if done.returncode not in (0, 1):  # 1: some failed
        raise Unproven(f"pytest ended with {done.returncode}: {done.stdout[-500:]}")
    cases: dict[str, list[str]] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        name = str(case.get("name")).partition("[")[0]
        test = f"{str(case.get('classname')).replace('.', '/')}.py::{name}"
        wrong = [part for part in case if part.tag in ("failure", "error")]
        cases.setdefault(test, []).append(
            " ".join(str(part.get("message") or part.tag) for part in wrong)
        )
    if missing := [name for name in names if name not in cases]:
        raise Unproven(f"not run: {', '.join(missing)}")
    return cases


def prove(folder: Path, one: Protection) -> None:
    """Takes a protection out of a copy of the tree, runs its tests, and puts it back.

    Raises:
        Unproven: A test did not fail, or failed because the source is broken.
    """
    path = folder / one.file
    source = path.read_text()
    path.write_text(taken_out(source, one))
    try:
        cases = run_tests(folder, one.tests)
    finally:
        path.write_text(source)
    if passed := [test for test in one.tests if not any(cases[test])]:
        raise Unproven(f"still passing: {', '.join(passed)}")
    for test in one.tests:
        if all(_BROKEN.search(why) for why in cases[test] if why):
            raise Unproven(f"{test} failed because the source is broken: {max(cases[test])[:200]}")


def chosen(rows: Sequence[int]) -> list[Protection]:
    """The protections of some rows; of all if none is named."""
    return [one for one in PROTECTIONS if not rows or one.row in rows]


def main(arguments: Sequence[str] | None = None) -> int:
    """Tries the protections that the command line names, and prints a table."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--row", type=int, action="append", help="row of docs/faults.md")
    wanted = chosen(parser.parse_args(arguments).row or [])
    if not wanted:
        parser.error("no such row")
    unproven = 0
    with tempfile.TemporaryDirectory(prefix="protections-") as name:
        folder = Path(name)
        copy_tree(folder)
        print(f"{len(wanted)} protections; their tests as they are …", flush=True)
        whole = run_tests(folder, (test for one in wanted for test in one.tests))
        for test, cases in whole.items():
            if any(cases):
                print(f"fails with nothing taken out: {test}: {max(cases)[:300]}")
                unproven += 1
        for one in wanted:
            begun = time.monotonic()
            try:
                prove(folder, one)
                result = f"{len(one.tests)} fail"
            except Unproven as error:
                result, unproven = f"UNPROVEN: {error}", unproven + 1
            seconds = time.monotonic() - begun
            print(f"row {one.row:>2}  {one.what:<66}  {seconds:>4.0f} s  {result}", flush=True)
    print(f"{len(wanted) - unproven} of {len(wanted)} proven" if unproven else "all proven")
    return 1 if unproven else 0


if __name__ == "__main__":
    sys.exit(main())
