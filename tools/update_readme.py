"""Renders the committed tables anew and copies them into the README.

    python tools/update_readme.py [--profile small]

Only text between ``<!-- table: NAME -->`` and ``<!-- end -->`` is replaced.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from mrcl_bench.atomic import write_text  # noqa: E402
from mrcl_bench.compare import load  # noqa: E402
from mrcl_bench.report import write_tables  # noqa: E402
from mrcl_bench.report.tables import render_tables  # noqa: E402

MARKED = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def fill(text: str, tables: dict[str, str]) -> str:
    """Puts rendered tables between their marks."""

    def replace(match: re.Match[str]) -> str:
        return f"{match[1]}\n{tables[f'{match[2]}.md'].strip()}\n\n{match[3]}"

    return MARKED.sub(replace, text)


def main() -> None:
    """Writes results/tables/<profile>/ and README.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", default="small")
    profile = parser.parse_args().profile
    results = load(ROOT / "results", profile)
    for path in write_tables(results, profile):
        print(path)
    readme = ROOT / "README.md"
    tables = render_tables(profile, results.of(profile))
    write_text(readme, fill(readme.read_text(), tables))


if __name__ == "__main__":
    main()
