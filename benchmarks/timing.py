"""Interleaved runs, medians and ratios."""

from __future__ import annotations

import resource
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Target:
    """How fast a contestant should be beside another one.

    Attributes:
        contestant: Which one.
        against: The other.
        factor: The other's median by its own should be no less; below 1 it may be slower.
    """

    contestant: str
    against: str
    factor: float

    def judge(self, medians: Mapping[str, float]) -> dict[str, Any] | None:
        """Says what was wanted, what was seen, and whether that is enough; None: not measured."""
        if not {self.contestant, self.against} <= set(medians):
            return None
        seen = medians[self.against] / medians[self.contestant]
        reached = seen >= self.factor
        if self.factor >= 1:
            wanted = f"at least {self.factor:.3g} times as fast as {self.against}"
            return _verdict(self.contestant, wanted, seen, reached)
        wanted = f"at most {1 / self.factor:.3g} times the time of {self.against}"
        return _verdict(self.contestant, wanted, 1 / seen, reached)


@dataclass(frozen=True)
class Limit:
    """How many seconds a contestant should take at most."""

    contestant: str
    seconds: float

    def judge(self, medians: Mapping[str, float]) -> dict[str, Any] | None:
        """As `Target.judge`."""
        if self.contestant not in medians:
            return None
        seen = medians[self.contestant]
        return _verdict(self.contestant, f"at most {self.seconds:g} s", seen, seen <= self.seconds)


def _verdict(contestant: str, wanted: str, seen: float, reached: bool) -> dict[str, Any]:
    return {"contestant": contestant, "wanted": wanted, "seen": seen, "reached": reached}


@dataclass
class Measurement:
    """What one part of the benchmarks found.

    Attributes:
        title: What was measured, with its size.
        seconds: Each contestant's times, run by run.
        base: The contestant that the others are held against.
        targets: What should have been reached.
        notes: What is needed to read the numbers: scaling, differences of results.
        items: Images, or other things, that one run of each contestant handles.
        figures: What else was seen of a contestant.
        skipped: Contestants that were not measured, and why.
    """

    title: str
    seconds: dict[str, list[float]]
    base: str
    targets: Sequence[Target | Limit] = ()
    notes: dict[str, Any] = field(default_factory=dict)
    items: float = 0
    figures: dict[str, dict[str, Any]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises ValueError where a name is no contestant's, or a contestant has no time."""
        known = set(self.seconds) | set(self.skipped)
        asked = {self.base, *self.figures}
        for target in self.targets:
            asked |= {target.contestant, getattr(target, "against", self.base)}
        if asked - known or not all(self.seconds.values()):
            raise ValueError(f"{self.title}: no times of {sorted(asked - known) or 'a contestant'}")

    def rows(self) -> list[dict[str, Any]]:
        """Returns a row for each contestant."""
        medians = self._medians()
        base = self.seconds.get(self.base, [])
        rows = []
        for name, times in self.seconds.items():
            row: dict[str, Any] = {
                "what": self.title,
                "contestant": name,
                "runs": len(times),
                "median s": medians[name],
                "least s": min(times),
            }
            if base:
                row["times as fast"] = medians[self.base] / medians[name]
            if len(base) == len(times) > 1 and name != self.base:
                turns = [other / own for other, own in zip(base, times, strict=True)]
                row["in single turns"] = [min(turns), max(turns)]
            if self.items:
                row["per second"] = self.items / medians[name]
            rows.append(row | self.figures.get(name, {}))
        return rows

    def verdicts(self) -> list[dict[str, Any]]:
        """Returns what `Target.judge` says of each target that could be judged."""
        medians = self._medians()
        judged = [target.judge(medians) for target in self.targets]
        return [{"what": self.title, **one} for one in judged if one is not None]

    def as_dict(self) -> dict[str, Any]:
        """Returns all of it for a JSON file."""
        return {
            "title": self.title,
            "seconds": self.seconds,
            "base": self.base,
            "rows": self.rows(),
            "targets": self.verdicts(),
            "notes": self.notes,
            "skipped": self.skipped,
        }

    def _medians(self) -> dict[str, float]:
        return {name: median(times) for name, times in self.seconds.items()}


def interleave(
    contestants: Mapping[str, Callable[[], object]],
    runs: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Runs all contestants in turn, so that what else the machine does meets all of them.

    Args:
        contestants: What to run.
        runs: How often.
        clock: ``time.process_time`` where only the processor's time is to count, of all threads.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(runs):
        for name, run in contestants.items():
            begin = clock()
            run()
            seconds[name].append(clock() - begin)
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
