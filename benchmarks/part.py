"""Measures one part in this process: ``python -m benchmarks.part NAME FILE [--quick]``."""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import json
import os
import platform
import time
import warnings
from pathlib import Path
from typing import Any

VERSIONS = (
    "torch torchvision onedl-mmpretrain onedl-mmdetection lightly pycocotools hotcoco "
    "scikit-learn numpy numba simplejpeg pillow opencv-python-headless opencv-python"
).split()


def main() -> None:
    """Measures and writes what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.part", description=__doc__)
    parser.add_argument("part")
    parser.add_argument("file", type=Path)
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    warnings.filterwarnings("ignore")
    module = importlib.import_module(f"benchmarks.bench_{asked.part}")
    before = machine()
    found = [one.as_dict() for one in module.measure(asked.quick)]
    about = {**before, "load after": os.getloadavg()[0]}
    whole = {"part": asked.part, "quick": asked.quick, "machine": about, "measurements": found}
    write(asked.file, json.dumps(whole, indent=1) + "\n")


def machine() -> dict[str, Any]:
    """Says where and beside what the numbers came about."""
    return {
        "time": time.strftime("%Y-%m-%d %H:%M"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": os.environ.get("OMP_NUM_THREADS", "all"),
        "load before": os.getloadavg()[0],
        "python": platform.python_version(),
        "versions": {name: version for name in VERSIONS if (version := _version(name))},
    }


def _processor() -> str:
    about = Path("/proc/cpuinfo")
    lines = about.read_text().splitlines() if about.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return (names or [platform.processor() or platform.machine()])[0]


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def write(path: Path, text: str) -> None:
    """Writes a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(text)
    part.replace(path)


if __name__ == "__main__":
    main()
