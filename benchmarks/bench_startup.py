"""Start-up of the command."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .timing import Limit, Measurement, processes

ROOT = Path(__file__).resolve().parent.parent
_MAIN = "import sys; from mrcl_bench.cli.main import main; sys.argv[1:] = {}; main()"
_NOTHING = {"python -c pass": "pass"}
_STACK = "import mrcl_bench.engine.runtime, mrcl_bench.models"
_RESTING = f"""
from mrcl_bench.engine.importing import importing
with importing():
    {_STACK}
"""


def measure(quick: bool) -> list[Measurement]:
    """`mrcl-bench --help` and `compare` against Python that does nothing; a worker's imports."""
    compare = ["compare", "results/records/small", "--profile", "small"]
    found = []
    for runs, base, contestants in (
        (3 if quick else 25, _NOTHING, {"mrcl-bench --help": _MAIN.format(["--help"])}),
        (
            1 if quick else 3,
            _NOTHING,
            {"mrcl-bench compare, committed records": _MAIN.format(compare)},
        ),
        (
            1 if quick else 7,
            {"imports of a worker, collector as ever": _STACK},
            {"imports of a worker": _RESTING},
        ),
    ):
        codes = base | contestants
        clock, processor = processes(
            {name: [sys.executable, "-c", code] for name, code in codes.items()},
            runs,
            ROOT,
            dict(os.environ),
        )
        for title, seconds in (("by the clock", clock), ("time of the processor", processor)):
            limits = [Limit(name, 0.25) for name in contestants if name.endswith("--help")]
            what = f"{' and '.join(contestants)}, {title}"
            found.append(Measurement(what, seconds, next(iter(base)), limits))
    return found
