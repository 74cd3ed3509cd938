"""Start-up of the command."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .timing import Limit, Measurement, processes

ROOT = Path(__file__).resolve().parent.parent
_MAIN = "import sys; from mrcl_bench.cli.main import main; sys.argv[1:] = {}; main()"


def measure(quick: bool) -> list[Measurement]:
    """`mrcl-bench --help` and `compare` against Python that does nothing."""
    compare = ["compare", "results/records/small", "--profile", "small"]
    found = []
    for runs, contestants in (
        (3 if quick else 25, {"mrcl-bench --help": _MAIN.format(["--help"])}),
        (1 if quick else 3, {"mrcl-bench compare, committed records": _MAIN.format(compare)}),
    ):
        codes = {"python -c pass": "pass", **contestants}
        clock, processor = processes(
            {name: [sys.executable, "-c", code] for name, code in codes.items()},
            runs,
            ROOT,
            dict(os.environ),
        )
        for title, seconds in (("by the clock", clock), ("time of the processor", processor)):
            limits = [Limit(name, 0.25) for name in contestants if name.endswith("--help")]
            what = f"{' and '.join(contestants)}, {title}"
            found.append(Measurement(what, seconds, "python -c pass", limits))
    return found
