"""What the scripts that try settings share: variants of shipped configs, written and run."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CONFIGS = ROOT / "mm_configs"
sys.path.insert(0, str(ROOT))

from mrcl_bench.catalog import read_bench_block  # noqa: E402


def shipped(stem: str) -> Path:
    """Returns the path of a shipped config."""
    return next(CONFIGS.rglob(f"{stem}.py"))


def nested(settings: dict[str, Any]) -> dict[str, Any]:
    """Turns dotted keys into nested dicts."""
    out: dict[str, Any] = {}
    for key, value in settings.items():
        *parents, last = key.split(".")
        place = out
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    return out


def fresh_folder(folder: Path) -> Path:
    """Makes a folder of configs and empties it of those of an earlier call."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.py"):
        old.unlink()
    return folder


def link(target: Path, place: Path) -> None:
    """Makes a symbolic link, its folder included."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target.resolve())


def write_variant(path: Path, base: Path, bench: dict[str, Any], lines: Iterable[str] = ()) -> None:
    """Writes a config that is another one with some of its bench block and settings replaced."""
    block = {**(read_bench_block(base) or {}), **bench}
    text = [f"_base_ = [{str(base)!r}]", f"bench = {block!r}", *lines]
    path.write_text("\n".join(text) + "\n")


def run(
    workspace: Path,
    profile: str,
    configs: Path,
    options: Iterable[str] = (),
    data: Path | None = None,
) -> None:
    """Runs a folder of configs in a workspace; failed cells are for the caller to see.

    Args:
        workspace: Root of checkpoints and results.
        profile: Profile that the variants are of.
        configs: Folder of the variants.
        options: Further words of the command line.
        data: Data root, if it is not the workspace's own.
    """
    command = [
        sys.executable, "-m", "mrcl_bench.cli.main", "run", "--profile", profile,
        "--configs", str(configs), "--trust-config", *options,
    ]  # fmt: skip
    environment = {**os.environ, "MRCL_BENCH_ROOT": str(workspace)}
    if data is not None:
        environment["MRCL_BENCH_DATA"] = str(data)
    subprocess.run(command, env=environment, check=False)


def records(workspace: Path, profile: str, pattern: str) -> list[tuple[Path, dict[str, Any]]]:
    """Reads the records whose path below the profile's folder fits a glob pattern, sorted."""
    found = sorted((workspace / "results/records" / profile).glob(pattern))
    return [(path, json.loads(path.read_text())) for path in found]


def mean_and_spread(values: list[float]) -> str:
    """Formats a mean, with the standard deviation where there are several values."""
    spread = f" ±{statistics.stdev(values):.1f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.1f}{spread}"
