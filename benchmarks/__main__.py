"""Measures all parts: ``python -m benchmarks [--quick] [PART …]``; writes into results/bench/.

A part is a module ``bench_<name>.py`` of this folder with a function ``measure(quick)``.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
COLUMNS = ("what", "contestant", "runs", "median s", "least s", "times faster", "target")


def main() -> None:
    """Runs the parts that were asked for; parts measured before keep their numbers."""
    parts = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of: {', '.join(parts)}")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it runs")
    parser.add_argument("--out", type=Path, default=HERE.parent / "results" / "bench")
    asked = parser.parse_args()
    if unknown := set(asked.parts) - set(parts):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    for name in asked.parts or parts:
        print(f"{name} …", flush=True)
        module = importlib.import_module(f"benchmarks.bench_{name}")
        found = [
            {**vars(one), "rows": one.rows(), "machine": machine(), "quick": asked.quick}
            for one in module.measure(asked.quick)
        ]
        write(asked.out / f"{name}.json", json.dumps(found, indent=1) + "\n")
    table = markdown(asked.out)
    write(asked.out / "README.md", table)
    print(table)


def machine() -> dict[str, Any]:
    """Says where and beside what the numbers came about."""
    return {
        "time": time.strftime("%Y-%m-%d %H:%M"),
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "threads": os.environ.get("OMP_NUM_THREADS", "all"),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
    }


def markdown(folder: Path) -> str:
    """Returns a table of all JSON files of a folder."""
    rows, notes = [], []
    for path in sorted(folder.glob("*.json")):
        for one in json.loads(path.read_text()):
            for row in one["rows"]:
                cells = [row[name] for name in COLUMNS]
                rows.append([f"{c:.3g}" if isinstance(c, float) else str(c) for c in cells])
            about = [f"{name}: {value}" for name, value in one["notes"].items()]
            at = one["machine"]
            about += [
                f"{at['cores']} cores, OMP_NUM_THREADS {at['threads']}, load {at['load']:.1f}"
            ]
            about += ["sizes of --quick"] if one["quick"] else []
            notes.append(f"- {one['title']}. {'; '.join(about)}.")
    lines = [f"| {' | '.join(row)} |" for row in [list(COLUMNS), ["---"] * len(COLUMNS), *rows]]
    return "\n".join(["# Speed", "", *lines, "", *notes, ""])


def write(path: Path, text: str) -> None:
    """Writes a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(text)
    part.replace(path)


if __name__ == "__main__":
    main()
