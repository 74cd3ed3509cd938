"""Interleaved runs, medians and ratios."""

from __future__ import annotations

import resource
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any


@dataclass
class Measurement:
    """What one part of the benchmarks found.

    Attributes:
        title: What was measured, with its size.
        seconds: Each contestant's times.
        base: The contestant that the others are held against.
        target: What the ratio ``base / contestant`` should be, in words.
        notes: What is needed to read the numbers: scaling, differences of results.
    """

    title: str
    seconds: dict[str, list[float]]
    base: str
    target: str = ""
    notes: dict[str, Any] = field(default_factory=dict)

    def rows(self) -> list[dict[str, Any]]:
        """Returns a row for each contestant."""
        medians = {name: median(times) for name, times in self.seconds.items()}
        return [
            {
                "what": self.title,
                "contestant": name,
                "runs": len(self.seconds[name]),
                "median s": value,
                "least s": min(self.seconds[name]),
                "times faster": medians[self.base] / value,
                "target": "" if name == self.base else self.target,
            }
            for name, value in medians.items()
        ]


def interleave(
    contestants: Mapping[str, Callable[[], object]], runs: int
) -> dict[str, list[float]]:
    """Runs all contestants in turn, so that what else the machine does meets all of them."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(runs):
        for name, run in contestants.items():
            begin = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - begin)
    return seconds


def processes(
    commands: Mapping[str, list[str]], runs: int, folder: Path, environment: dict[str, str]
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Runs commands in turn; returns their times by the clock and of the processor.

    The second hardly depends on what else the machine does.
    """
    clock: dict[str, list[float]] = {name: [] for name in commands}
    processor: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            used, begin = _used(), time.perf_counter()
            subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
            clock[name].append(time.perf_counter() - begin)
            processor[name].append(_used() - used)
    return clock, processor


def _used() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
