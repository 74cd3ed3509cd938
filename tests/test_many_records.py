"""10,000 records: time and memory of `compare`, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tools.many_records import write

# ru_maxrss would begin with what the process that started it had.
RUN = """
import json, resource, sys
from mrcl_bench.cli.main import main
sys.argv = ["mrcl-bench", "compare", sys.argv[1], "--no-write", *sys.argv[2:]]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
used = resource.getrusage(resource.RUSAGE_SELF)
heavy = {"torch", "mmengine", "mmcv", "mmdet", "mmseg", "mmpretrain"} & set(sys.modules)
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
report = {"seconds": used.ru_utime + used.ru_stime, "mib": int(peak.split()[1]) / 1024}
print(json.dumps(report | {"heavy": sorted(heavy)}), file=sys.stderr)
"""


def measured(folder: Path, *arguments: str) -> dict[str, float]:
    command = [sys.executable, "-c", RUN, str(folder / "results"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Algorithm 7" in done.stdout
    report: dict[str, float] = json.loads(done.stderr.splitlines()[-1])
    return report


@pytest.mark.slow
def test_ten_thousand_records(tmp_path: Path) -> None:
    """Processor seconds, for the wall clock measures what else the machine does.

    2 s and 300 MiB are what is wanted on a machine to oneself; docs/statistics.md has them
    measured. The limit on time is loose, for on a busy machine a processor second does far less;
    what it holds off is anything quadratic.
    """
    write(tmp_path, 10_000)
    found = min((measured(tmp_path) for _ in range(3)), key=lambda report: report["seconds"])
    assert not found["heavy"]
    assert found["mib"] < 300
    assert found["seconds"] < 12
