"""Measures all parts side by side with peers: ``python -m benchmarks [--quick] [PART …]``.

A part is a module ``bench_<name>.py`` of this folder with a function
``measure(quick: bool) -> list[Measurement]``; each runs in a process of its own.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from . import peers
from .part import write
from .table import page

HERE = Path(__file__).resolve().parent
RESULTS = HERE.parent / "results" / "bench"


def main() -> None:
    """Runs the parts that were asked for; parts measured before keep their numbers."""
    known = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of: {', '.join(known)}")
    parser.add_argument(
        "--quick", action="store_true", help="small sizes, to see that it runs; only printed"
    )
    parser.add_argument("--out", type=Path, help="folder (results/bench)")
    parser.add_argument(
        "--render", action="store_true", help="measure nothing, write the page anew"
    )
    asked = parser.parse_args()
    if unknown := set(asked.parts) - set(known):
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    if asked.render:
        out = (asked.out or RESULTS).absolute()
        write(out / "README.md", page(out))
        return
    python, missing = peers.prepare()
    if missing:
        print(f"without peers: {missing}", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        out = (asked.out or (Path(scratch) if asked.quick else RESULTS)).absolute()
        failed = []
        for name in asked.parts or known:
            begin = time.monotonic()
            print(f"{name} …", flush=True)
            command = [str(python), "-m", "benchmarks.part", name, str(out / f"{name}.json")]
            command += ["--quick"] if asked.quick else []
            done = subprocess.run(command, cwd=HERE.parent, env=peers.environment(missing))
            failed += [name] if done.returncode else []
            print(f"{name}: {time.monotonic() - begin:.0f} s", flush=True)
        text = page(out)
        write(out / "README.md", text)
    print(text)
    if failed:
        sys.exit(f"failed, their older numbers stay: {', '.join(failed)}")


if __name__ == "__main__":
    main()
