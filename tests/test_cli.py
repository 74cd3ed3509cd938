"""The command line: one clear line and the cure for a user's mistake, never a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mrcl_bench.errors import EXIT_FAILED, EXIT_USAGE

from .conftest import MICRO_CONFIGS, Cli
from .factories import example, save

HEAVY = ("torch", "torchvision", "mmengine", "mmcv", "mmpretrain", "numpy", "pandas", "cv2")


def _is_clean(done: subprocess.CompletedProcess[str]) -> None:
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stderr.strip()


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["run", "--recipe", "mrlc"], "Did you mean mrcl"),
        (["plan", "--recipe", "simcrl"], "Did you mean simclr"),
        (["run", "--protocol", "liner"], "Did you mean linear"),
        (["pretrain", "-r", "moc"], "Did you mean moco"),
        (["plan", "--profile", "tinny"], "Did you mean tiny"),
        (["status", "-p", "papr"], "Did you mean paper"),
        (["run", "--launcher", "pytroch"], "Did you mean pytorch"),
        (["run", "--seed", "1", "--seed", "1"], "a seed is given twice"),
        (["plan", "--configs", "/no/such/folder"], "there is no folder /no/such/folder"),
        (["compare", "nowhere"], "nowhere"),
        (["ls", "nowhere"], "nowhere"),
        (["rnu"], "rnu"),
        (["run", "--recpie", "mrcl"], "--recipe"),
        (["run", "--seed", "-1"], "--seed"),
        (["run", "--seed", "one"], "--seed"),
        (["eval", "clss"], "cls"),
        (["eval"], "Missing argument"),
        (["run", "--jobs", "0"], "--jobs"),
        (["run", "--executor", "slurm", "--together"], "--together is for workers on this"),
        (["data", "verify", "stmaps"], "Did you mean stamps"),
        (["data", "check", "imagenette"], "imagenet"),
        (["rehearse", "fnc"], "Did you mean fcn"),
        (["rehearse", "--recipe", "mrlc"], "Did you mean mrcl"),
        (["rehearse", "--size", "100"], "multiple of 32"),
    ],
)
def test_wrong_usage_is_told(cli: Cli, arguments: list[str], hint: str) -> None:
    done = cli(*arguments)
    _is_clean(done)
    assert hint in done.stderr
    assert done.returncode == EXIT_USAGE


@pytest.mark.parametrize("wrong", ["rnu", "comapre"])
def test_an_unknown_command_has_a_did_you_mean(cli: Cli, wrong: str) -> None:
    done = cli(wrong)
    assert done.returncode == EXIT_USAGE
    assert "did you mean" in done.stderr.lower()


def test_a_wrong_profile_in_the_environment(cli: Cli) -> None:
    done = cli("plan", PROFILE="tinny")
    _is_clean(done)
    assert done.returncode == EXIT_USAGE
    assert "Did you mean tiny" in done.stderr


def test_missing_data_names_the_cure(cli: Cli, tmp_path: Path) -> None:
    done = cli("run", "--recipe", "mrcl", "--protocol", "knn")
    _is_clean(done)
    assert done.returncode == EXIT_FAILED
    assert "mrcl-bench data stamps" in done.stderr
    done = cli("pretrain", "--recipe", "mrcl")
    _is_clean(done)
    assert done.returncode == EXIT_FAILED
    assert "mrcl-bench data stamps" in done.stderr
    assert list(tmp_path.rglob("*.pth")) == []


def test_no_apt_is_no_traceback(cli: Cli, tmp_path: Path) -> None:
    empty = tmp_path / "bin"
    empty.mkdir()
    done = cli("data", "stamps", "--source", "stamps", "--size", "micro", PATH=str(empty))
    _is_clean(done)
    assert done.returncode == EXIT_FAILED
    assert "apt" in done.stderr
    assert "--source shapes" in done.stderr


def test_a_broken_bench_block_is_told(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/odd.py").write_text("bench = dict(kind='recipe', bakbone='x')\n")
    done = cli("plan", "--configs", "mine")
    _is_clean(done)
    assert done.returncode == EXIT_USAGE
    assert "bakbone" in done.stderr
    assert "Did you mean backbone" in done.stderr


@pytest.mark.parametrize(
    ("name", "content", "hint"),
    [
        ("gone.pth", None, "no weights at"),
        ("empty.pth", b"", "empty"),
        ("page.pth", b"<!DOCTYPE html><html>Sign in</html>", "HTML"),
        ("text.pth", b"hello world\n", "text file"),
        ("cut.pth", b"PK\x03\x04" + b"\0" * 200, "truncated or damaged"),
        ("evil.pth", b"\x80\x04cposix\nsystem\n(S'touch canary'\ntR.", "refused"),
        ("bad.safetensors", b"\xff" * 64, "not valid safetensors"),
    ],
)
def test_an_unreadable_checkpoint_is_told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: bytes | None,
    hint: str,
) -> None:
    pytest.importorskip("torch")
    from mrcl_bench.cli.main import main

    if content is not None:
        (tmp_path / name).write_bytes(content)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["mrcl-bench", "convert", name, "--out", "out"])
    with pytest.raises(SystemExit) as end:
        main()
    shown = capsys.readouterr().err
    assert end.value.code == EXIT_FAILED
    assert hint in shown
    assert "cure:" in shown
    assert "Traceback" not in shown
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "canary").exists()


def test_a_damaged_record_is_named_and_the_rest_shown(cli: Cli, tmp_path: Path) -> None:
    paths = save(tmp_path, *example())
    paths[0].write_text("{")
    done = cli("compare")
    _is_clean(done)
    assert done.returncode == EXIT_FAILED
    assert paths[0].name in done.stderr
    assert "MRCL" in done.stdout


def test_plan_shows_and_does_nothing(cli: Cli, tmp_path: Path) -> None:
    done = cli("plan", "-p", "micro", "--configs", str(MICRO_CONFIGS))
    assert done.returncode == 0, done.stderr
    assert "0 of 21 jobs to do" in done.stdout
    assert "blocked" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_status_of_an_empty_workspace(cli: Cli) -> None:
    done = cli("status", "-p", "micro", "--configs", str(MICRO_CONFIGS))
    assert done.returncode == 0, done.stderr
    assert "0/2" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [[], ["run"], ["eval"], ["plan"], ["pretrain"], ["compare"], ["convert"], ["data"], ["ls"]],
)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        f"sys.argv = ['mrcl-bench', *{arguments!r}, '--help']\n"
        "from mrcl_bench.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        f"print('HEAVY', [m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Usage" in done.stdout
    assert done.stdout.strip().splitlines()[-1] == "HEAVY []"


def test_help_is_quick() -> None:
    """0.4 s on an idle machine; the best of five with some slack for a busy one."""
    taken = []
    for _ in range(5):
        begun = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "mrcl_bench.cli.main", "--help"],
            capture_output=True,
            check=True,
        )
        taken.append(time.monotonic() - begun)
        if taken[-1] <= 0.4:
            break
    busy = os.getloadavg()[0] > os.cpu_count()
    assert min(taken) <= (1.0 if busy else 0.4), taken


def test_version(cli: Cli) -> None:
    from mrcl_bench import __version__

    assert cli("--version").stdout.strip() == f"mrcl-bench {__version__}"
