"""Builds ``.venv`` with everything that training needs. Standard library only.

The order matters: mmcv compiles against the torch that it finds, and without torch it
quietly builds without its operators, so each step is checked before the next begins.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOG = VENV / "setup.log"
STAMP = VENV / "setup.done"
NINJA_STEP = re.compile(rb"\[(\d+)/(\d+)\] ")


def stop(what: str, cure: str) -> None:
    """Ends with one clear message."""
    sys.exit(f"error: {what}\n  cure: {cure}\n  log:  {LOG}")


def run(title: str, command: list[str], expected: str, env: dict[str, str] | None = None) -> bool:
    """Runs one step with a line of progress; its output goes to the log."""
    started = time.monotonic()
    begin = LOG.stat().st_size if LOG.exists() else 0
    with LOG.open("ab") as log:
        process = subprocess.Popen(
            command,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env={**os.environ, **(env or {})},
        )
        shown = 0.0
        while process.poll() is None:
            time.sleep(0.5)
            now = time.monotonic()
            interval = 1 if sys.stdout.isatty() else 30
            if now - shown >= interval:
                shown = now
                with LOG.open("rb") as text:
                    text.seek(begin)
                    steps = NINJA_STEP.findall(text.read())
                count = f", {int(steps[-1][0])} of {int(steps[-1][1])} files" if steps else ""
                line = f"  {title}: {now - started:4.0f} s (expected {expected}){count}"
                print(f"\r{line:<79}" if interval == 1 else line, end="" if interval == 1 else "\n")
                sys.stdout.flush()
    end = "\r" if sys.stdout.isatty() else ""
    state = "done" if process.returncode == 0 else "FAILED"
    print(f"{end}{f'  {title}: {state} in {time.monotonic() - started:.0f} s':<79}", flush=True)
    return process.returncode == 0


def pip(title: str, expected: str, *arguments: str) -> None:
    """Installs with pip or ends with the reason."""
    command = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", *arguments]
    jobs = os.environ.get("MAX_JOBS", str(os.cpu_count() or 2))
    if not run(title, command, expected, {"MAX_JOBS": jobs}):
        tail = LOG.read_text(errors="replace").splitlines()[-8:]
        print("\n".join(f"    {line[:110]}" for line in tail))
        stop(f"'{title}' failed.", "see the lines above; then run `make setup` again, it goes on.")


def imports(statement: str) -> bool:
    """Whether a statement runs in the new environment."""
    return run(f"check: {statement}", [str(PYTHON), "-c", statement], "10 s")


def pinned(*names: str) -> list[str]:
    """The requirement lines of ``constraints.txt`` for some distributions."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = {line.split("==")[0]: line for line in lines if "==" in line}
    return [pins[name] for name in names]


def fingerprint() -> str:
    """What the environment was made from; when it changes, set-up runs again."""
    files = [ROOT / "pyproject.toml", ROOT / "constraints.txt", Path(__file__)]
    return "\n".join([str(ROOT), sys.version] + [file.read_text() for file in files])


def main() -> None:
    """Sets up, or says that all is there."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    if sys.version_info < (3, 11):
        sys.exit(
            f"error: Python {sys.version.split()[0]} is too old, 3.11 or newer is needed.\n"
            "  cure: make setup PYTHON=python3.11"
        )
    if STAMP.exists() and STAMP.read_text() == fingerprint():
        return
    print(f"Setting up {VENV} (a first time takes some 20 minutes: mmcv compiles)")
    if not PYTHON.exists():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    STAMP.unlink(missing_ok=True)
    pip(
        "build tools",
        "10 s",
        "-U",
        "pip",
        "setuptools>=77,<82",
        "wheel",
        "ninja",
        "psutil",
        "numpy<2.3",
    )
    pip("torch", "2 min", *pinned("torch", "torchvision"))
    constraints = ["-c", str(ROOT / "constraints.txt"), "--no-build-isolation"]
    mmcv = pinned("onedl-mmengine", "onedl-mmcv")
    pip("mmcv (compiles)", "16 min on 2 cores", "-v", *constraints, *mmcv)
    check_cv2(constraints)
    if not imports("import mmcv._ext"):
        # A wheel cached from a build against another torch, or one built without operators.
        pip(
            "mmcv once more, uncached", "16 min on 2 cores", "-v", "--no-cache-dir",
            "--force-reinstall", "--no-deps", *constraints, *pinned("onedl-mmcv"),
        )  # fmt: skip
        if not imports("import mmcv._ext"):
            stop(
                "mmcv has no compiled operators (import mmcv._ext fails).",
                "install a C++ compiler and Python's headers (Debian: g++ python3-dev), delete "
                ".venv and run `make setup` again.",
            )
    pip("hatchling", "5 s", "hatchling>=1.25", "editables")
    pip("mmdet, mmseg, mmpretrain", "1 min", *constraints, "-e", f"{ROOT}[mm,dev]")
    check_cv2(constraints)
    STAMP.write_text(fingerprint())
    print("Set-up done. `.venv/bin/mrcl-bench doctor` looks it over.")


def check_cv2(constraints: list[str]) -> None:
    """Replaces opencv by its headless twin where the machine has no libGL."""
    if not imports("import cv2"):
        listing = [str(PYTHON), "-m", "pip", "list", "--format=freeze"]
        freeze = subprocess.run(listing, capture_output=True, text=True, check=True).stdout
        version = re.search(r"opencv-python==(\S+)", freeze)
        wanted = f"opencv-python-headless=={version[1]}" if version else "opencv-python-headless"
        pip("opencv without a display", "10 s", "--force-reinstall", "--no-deps", wanted)
        if not imports("import cv2"):
            stop("OpenCV does not import.", "see the log for the library that is missing.")


if __name__ == "__main__":
    main()
