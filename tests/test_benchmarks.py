"""The benchmarks' bookkeeping; what they measure is not judged here."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import __main__ as benchmarks
from benchmarks import part, peers
from benchmarks.table import page
from benchmarks.timing import Limit, Measurement, Target, interleave, processes


def test_contestants_take_turns() -> None:
    calls: list[str] = []
    found = interleave({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, 3)
    assert calls == ["a", "b"] * 3
    assert [len(times) for times in found.values()] == [3, 3]
    assert interleave({"sleep": lambda: time.sleep(0.02)}, 1)["sleep"][0] >= 0.02


def test_ratios_are_of_medians() -> None:
    one = Measurement("what", {"slow": [9.0, 10.0, 90.0], "fast": [2.0]}, "slow", items=6)
    slow, fast = one.rows()
    assert (slow["median s"], slow["times as fast"], slow["per second"]) == (10, 1, 0.6)
    assert (fast["times as fast"], fast["runs"], fast["per second"]) == (5, 1, 3)
    assert "in single turns" not in fast  # there are no pairs


def test_the_spread_is_that_of_single_turns() -> None:
    one = Measurement("what", {"slow": [10.0, 40.0, 9.0], "fast": [2.0, 4.0, 3.0]}, "slow")
    assert one.rows()[1]["in single turns"] == [3, 10]


def test_figures_of_a_contestant_stand_in_its_row() -> None:
    figures = {"fast": {"peak MiB": 3}}
    rows = Measurement("what", {"slow": [9.0], "fast": [2.0]}, "slow", figures=figures).rows()
    assert rows[1]["peak MiB"] == 3 and "peak MiB" not in rows[0]


@pytest.mark.parametrize(
    ("target", "wanted", "seen", "reached"),
    [
        (Target("fast", "slow", 5), "at least 5 times as fast as slow", 5, True),
        (Target("fast", "slow", 5.1), "at least 5.1 times as fast as slow", 5, False),
        (Target("slow", "fast", 1 / 6), "at most 6 times the time of fast", 5, True),
        (Target("slow", "fast", 1 / 4), "at most 4 times the time of fast", 5, False),
        (Limit("fast", 2.0), "at most 2 s", 2, True),
        (Limit("fast", 1.9), "at most 1.9 s", 2, False),
    ],
)
def test_aims_are_judged(target: Any, wanted: str, seen: float, reached: bool) -> None:
    one = Measurement("what", {"slow": [10.0], "fast": [2.0]}, "slow", [target])
    (verdict,) = one.verdicts()
    assert verdict["wanted"] == wanted and verdict["reached"] is reached
    assert verdict["seen"] == pytest.approx(seen)


def test_what_was_not_measured_is_not_judged_but_said() -> None:
    skipped = {"peer": "not there"}
    one = Measurement("what", {"own": [1.0]}, "own", [Target("own", "peer", 2)], skipped=skipped)
    assert one.verdicts() == [] and one.as_dict()["skipped"] == skipped


def test_unknown_contestants_are_refused() -> None:
    with pytest.raises(ValueError, match="peer"):
        Measurement("what", {"own": [1.0]}, "own", [Target("own", "peer", 2)])


def test_processor_time_leaves_out_waiting(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(0.5)"]
    clock, processor = processes({"wait": command}, 1, tmp_path, dict(os.environ))
    assert clock["wait"][0] >= 0.5 > processor["wait"][0] > 0


def judge(file: Path, monkeypatch: pytest.MonkeyPatch, found: list[Measurement]) -> None:
    monkeypatch.setattr("benchmarks.bench_startup.measure", lambda quick: found)
    monkeypatch.setattr(sys, "argv", ["part", "startup", str(file), "--quick"])
    part.main()


def test_page_and_json_hold_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = {"a": [1.0], "b": [0.25]}
    one = Measurement(
        "Start", seconds, "a", [Limit("b", 0.2)], {"pictures": 3}, skipped={"c": "it is not here"}
    )
    judge(tmp_path / "startup.json", monkeypatch, [one])
    kept = json.loads((tmp_path / "startup.json").read_text())
    assert kept["measurements"][0]["rows"][1]["times as fast"] == 4
    assert kept["quick"] is True and "numpy" in kept["machine"]["versions"]
    text = page(tmp_path)
    assert "| Start | b | 1 | 0.25 | 0.25 | 4 |" in text
    assert "| Start | b | at most 0.2 s | 0.25 | **no** |" in text
    assert "- Start. pictures: 3; c: not measured, it is not here" in text
    assert "startup (sizes of --quick)" in text


def test_the_page_can_be_written_anew_without_measuring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge(tmp_path / "startup.json", monkeypatch, [Measurement("Start", {"a": [1.0]}, "a")])
    monkeypatch.setattr(peers, "prepare", lambda: pytest.fail("nothing is to be measured"))
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--render", "--out", str(tmp_path)])
    benchmarks.main()
    assert (tmp_path / "README.md").read_text() == page(tmp_path)


def test_the_committed_page_is_that_of_the_committed_numbers() -> None:
    """After a merge: ``python -m benchmarks --render``."""
    assert (benchmarks.RESULTS / "README.md").read_text() == page(benchmarks.RESULTS)


def test_every_part_can_be_found() -> None:
    for path in benchmarks.HERE.glob("bench_*.py"):
        module = importlib.import_module(f"benchmarks.{path.stem}")
        assert list(inspect.signature(module.measure).parameters) == ["quick"], path.name


def test_an_unknown_part_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks", "no-such-part"])
    with pytest.raises(SystemExit):
        benchmarks.main()


def test_a_part_that_fails_is_told_and_the_others_are_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(peers, "prepare", lambda: (Path(sys.executable), "no registry"))
    monkeypatch.setattr(benchmarks, "HERE", tmp_path / "benchmarks")
    for name, body in {"bad": "1 / 0", "good": "return []"}.items():
        file = tmp_path / "benchmarks" / f"bench_{name}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"def measure(quick):\n    {body}\n")
    for name in ("__init__", "part", "timing", "peers", "table"):
        text = (peers.ROOT / "benchmarks" / f"{name}.py").read_text()
        (tmp_path / "benchmarks" / f"{name}.py").write_text(text)
    monkeypatch.setattr(peers, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--quick", "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit, match="bad"):
        benchmarks.main()
    assert json.loads((tmp_path / "out" / "good.json").read_text())["part"] == "good"
    assert not (tmp_path / "out" / "bad.json").exists()
    assert "no registry" in capfd.readouterr().out


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("peers") / "own"


def test_the_environment_of_peers_sees_the_harness_s(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = tmp_path / "peers.txt"
    wanted.write_text("# none\n")
    python, missing = peers.prepare(own, wanted)
    assert (python, missing) == (own / "bin" / "python", "")
    code = "import sys, numpy; print(sys.prefix, numpy.__file__, sep='|')"
    said = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip().split("|") == [str(own), np.__file__]
    made = (own / "pyvenv.cfg").stat().st_mtime_ns
    assert peers.prepare(own, wanted) == (python, "")
    assert (own / "pyvenv.cfg").stat().st_mtime_ns == made


def test_without_a_registry_the_present_environment_is_taken_and_the_reason_told(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = tmp_path / "peers.txt"
    wanted.write_text("no-such-peer-of-ours==1.0\n")
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    python, missing = peers.prepare(own, wanted)
    assert python == Path(sys.executable) and "no-such-peer-of-ours" in missing
    assert not (own / "peers.done").exists()
    monkeypatch.setenv(
        "MRCL_BENCH_PEERS_MISSING", peers.environment(missing)["MRCL_BENCH_PEERS_MISSING"]
    )
    assert peers.reason() == missing
