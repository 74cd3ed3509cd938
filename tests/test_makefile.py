"""The Makefile: every target names the command that it stands for, in the right order."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BENCH = ".venv/bin/mrcl-bench"
SETUP = "tools/setup_env.py"
STAMPS = f"{BENCH} data stamps"
FASHION = f"{BENCH} data fashion-mnist"

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(*arguments: str) -> str:
    """Returns make's output, away from the settings of a make around the tests."""
    unset = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES"}
    unset |= {"PROFILE", "JOBS", "ARGS", "PYTHON", "MRCL_BENCH_ROOT"}
    environment = {key: value for key, value in os.environ.items() if key not in unset}
    done = subprocess.run(
        ["make", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def in_order(text: str, *parts: str) -> bool:
    place = 0
    for part in parts:
        place = text.find(part, place)
        if place < 0:
            return False
        place += len(part)
    return True


def documented() -> list[str]:
    return re.findall(r"^  make ([a-z-]+) ", make(), flags=re.MULTILINE)


def test_make_alone_prints_help_with_every_target() -> None:
    phony = re.search(r"^\.PHONY: ((?:.*\\\n)*.*)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony is not None
    assert sorted(documented()) == sorted(phony[1].replace("\\\n", " ").split())


def test_every_documented_target_can_be_made() -> None:
    for target in documented():
        assert make("-n", target).strip(), target


@pytest.mark.parametrize(
    ("target", "calls"),
    [
        ("demo", (SETUP, STAMPS, f"{BENCH} run --profile tiny", f"{BENCH} compare results/ ")),
        ("setup", (SETUP,)),
        ("data", (SETUP, STAMPS)),
        ("pretrain", (SETUP, STAMPS, f"{BENCH} pretrain --profile tiny")),
        ("eval-cls", (SETUP, STAMPS, f"{BENCH} eval cls --profile tiny")),
        ("eval-det", (SETUP, STAMPS, f"{BENCH} eval det --profile tiny")),
        ("eval-seg", (SETUP, STAMPS, f"{BENCH} eval seg --profile tiny")),
        ("compare", (SETUP, f"{BENCH} compare results/ --profile tiny")),
        ("report", (SETUP, f"{BENCH} report results/ --profile tiny")),
        ("plan", (SETUP, f"{BENCH} plan --profile tiny")),
        ("status", (SETUP, f"{BENCH} status --profile tiny")),
        ("doctor", (f"{BENCH} doctor",)),
        ("rehearse", (SETUP, f"{BENCH} rehearse")),
        ("bench", (SETUP, "-m benchmarks")),
        ("nightly", (SETUP, "-m pytest -q --durations=8 -m nightly")),
        ("chaos", (SETUP, "-m tools.chaos")),
        ("protections", (SETUP, "-m tools.protections")),
        ("test", (SETUP, "-m pytest -q --durations=8")),
        ("lint", ("ruff check .", "ruff format --check .", "mypy")),
        ("clean", ("rm -rf",)),
    ],
)
def test_target_calls_its_command(target: str, calls: tuple[str, ...]) -> None:
    assert in_order(make("-n", target), *calls)


def test_parts_run_one_after_the_other_and_set_up_once() -> None:
    text = make("-n", "-j4", "pretrain", "eval-det", "eval-seg")
    calls = (f"{BENCH} pretrain", f"{BENCH} eval det", f"{BENCH} eval seg")
    assert in_order(text, SETUP, STAMPS, *calls)
    assert text.count(SETUP) == text.count(STAMPS) == 1


@pytest.mark.parametrize(
    ("profile", "there", "absent"),
    [
        ("tiny", [STAMPS], [FASHION]),
        ("small", [STAMPS, FASHION], []),
        ("paper", [], [STAMPS, FASHION]),
    ],
)
def test_profile_decides_the_data(profile: str, there: list[str], absent: list[str]) -> None:
    text = make("-n", "pretrain", f"PROFILE={profile}")
    assert f"{BENCH} pretrain --profile {profile}" in text
    assert all(part in text for part in there)
    assert not any(part in text for part in absent)


def test_settings_are_passed_on() -> None:
    assert "-j 3" in make("-n", "pretrain", "JOBS=3")
    assert "-j" not in make("-n", "pretrain")
    assert "--recipe mrcl" in make("-n", "eval-det", "ARGS=--recipe mrcl")
    assert "python3.12 tools/setup_env.py" in make("-n", "setup", "PYTHON=python3.12")


def test_clean_spares_what_cannot_be_made_quickly() -> None:
    removed = " ".join(re.findall(r"rm -rf (.*)", make("-n", "clean"))).split()
    assert "results/runs" in removed
    kept = {"results", "results/", "results/records", "data", "checkpoints", ".venv"}
    assert not kept & set(removed)
