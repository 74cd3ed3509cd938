"""The benchmarks' bookkeeping; what they measure is not judged here."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from benchmarks import __main__ as benchmarks
from benchmarks.timing import Measurement, interleave, processes


def test_contestants_take_turns() -> None:
    calls: list[str] = []
    found = interleave({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 3)
    assert calls == ["a", "b"] * 3
    assert [len(times) for times in found.values()] == [3, 3]
    assert interleave({"sleep": lambda: time.sleep(0.02)}, 1)["sleep"][0] >= 0.02


def test_ratios_are_of_medians() -> None:
    one = Measurement("what", {"slow": [9.0, 10.0, 90.0], "fast": [2.0]}, "slow", "at least 3")
    slow, fast = one.rows()
    assert (slow["median s"], slow["times faster"], slow["target"]) == (10, 1, "")
    assert (fast["times faster"], fast["target"], fast["runs"]) == (5, "at least 3", 1)


def test_processor_time_leaves_out_waiting(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(0.5)"]
    clock, processor = processes({"wait": command}, 1, tmp_path, dict(os.environ))
    assert clock["wait"][0] >= 0.5 > processor["wait"][0] > 0


def test_table_and_json_hold_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["benchmarks", "--quick", "--out", str(tmp_path), "startup"]
    monkeypatch.setattr(sys, "argv", argv)
    monkeypatch.setattr(
        "benchmarks.bench_startup.measure",
        lambda quick: [Measurement("Start", {"a": [1.0], "b": [0.25]}, "a", "", {"quick": quick})],
    )
    benchmarks.main()
    row = json.loads((tmp_path / "startup.json").read_text())[0]["rows"][1]
    assert row["times faster"] == 4
    table = (tmp_path / "README.md").read_text()
    assert "| Start | b | 1 | 0.25 | 0.25 | 4 |  |" in table and "quick: True" in table
    assert table in capsys.readouterr().out


def test_an_unknown_part_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks", "no-such-part"])
    with pytest.raises(SystemExit):
        benchmarks.main()
