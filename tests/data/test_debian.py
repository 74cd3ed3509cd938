"""Fetching Debian packages, with an apt that is a script."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from mrcl_bench.data import debian
from mrcl_bench.errors import BenchError

PIN = debian.Pin("thing", "1:1.0-1", "0" * 64)


def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **scripts: str) -> Path:
    """Puts shell scripts first in PATH; returns a log that they may write to."""
    folder = tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    for name, text in scripts.items():
        path = folder / name.replace("_", "-")
        path.write_text(f"#!/bin/sh\nlog={tmp_path}/log\n{text}\n")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return tmp_path / "log"


def test_other_version_is_taken_but_not_pinned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = """case "$*" in
      *thing=*) echo "E: Version '1:1.0-1' for 'thing' was not found" >&2; exit 100;;
      *) echo other > thing_2%3a2.0_all.deb;; esac"""
    fake(tmp_path, monkeypatch, apt_get=script)
    package = debian.fetch(PIN, tmp_path / "cache")
    assert (package.version, package.pinned) == ("2:2.0", False)
    fake(tmp_path, monkeypatch, apt_get="exit 1")
    assert debian.fetch(PIN, tmp_path / "cache") == package, "the cache must serve it"


def test_wrong_bytes_under_the_pinned_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(tmp_path, monkeypatch, apt_get="echo bad > thing_1%3a1.0-1_all.deb")
    with pytest.raises(BenchError, match="arrived with sha256"):
        debian.fetch(PIN, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_network_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = "echo 'W: unsandboxed as root' >&2; echo 'E: Could not resolve deb' >&2; exit 100"
    fake(tmp_path, monkeypatch, apt_get=script)
    with pytest.raises(BenchError, match="Could not resolve deb") as caught:
        debian.fetch(PIN, tmp_path / "cache")
    assert "unsandboxed" not in str(caught.value)
    assert "apt-get download thing" in caught.value.cure


def test_cache_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file, not a folder")
    with pytest.raises(BenchError, match="cannot keep thing"):
        debian.fetch(PIN, tmp_path / "cache")


@pytest.mark.parametrize("root", [True, False])
def test_updates_once_when_unknown_and_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: bool
) -> None:
    script = """echo "$*" >> $log
      echo 'E: Unable to locate package thing' >&2; exit 100"""
    log = fake(tmp_path, monkeypatch, apt_get=script)
    monkeypatch.setattr(debian.os, "geteuid", lambda: 0 if root else 1000)
    with pytest.raises(BenchError, match="Unable to locate"):
        debian.fetch(PIN, tmp_path / "cache")
    updates = [line for line in log.read_text().splitlines() if line.endswith("update")]
    assert len(updates) == int(root)


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is not on this machine")
def test_broken_package(tmp_path: Path) -> None:
    deb = tmp_path / "thing_1_all.deb"
    deb.write_bytes(b"no package")
    with (
        pytest.raises(BenchError, match="cannot be unpacked"),
        debian.unpacked(debian.Package("thing", "1", "0", False, deb)),
    ):
        pass
    assert not deb.exists()
