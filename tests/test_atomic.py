"""A reader sees the old file or the new one, whatever happens in between."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import BinaryIO

import pytest

from mrcl_bench.atomic import sha256_file, write_atomic, write_json, write_text


def test_writes_and_makes_folders(tmp_path: Path) -> None:
    path = tmp_path / "a/b/file.txt"
    write_text(path, "größe")
    assert path.read_text() == "größe"
    assert path.stat().st_mode & 0o777 == 0o644
    assert [entry.name for entry in path.parent.iterdir()] == ["file.txt"]


def test_a_failed_write_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_text(path, "old")

    def half(file: BinaryIO) -> None:
        file.write(b"new but not who")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_atomic(path, half)
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_bytes_reach_the_disk_before_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    sync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (order.append("fsync"), sync(fd)))
    monkeypatch.setattr(
        Path, "replace", lambda self, to: (order.append("replace"), replace(self, to))
    )
    write_text(tmp_path / "file", "text")
    assert order[:2] == ["fsync", "replace"]


def test_what_a_killed_process_left_is_swept_away(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from mrcl_bench.atomic import write_atomic\n"
        "def write(file):\n"
        "    print('open', flush=True)\n"
        "    time.sleep(60)\n"
        "write_atomic(Path(sys.argv[1]), write)"
    )
    live, dead = (
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / name)], stdout=subprocess.PIPE, text=True
        )
        for name in ("a-b.c", "other")
    )
    for process in (live, dead):
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
    dead.kill()
    dead.communicate()
    try:
        assert len(list(tmp_path.iterdir())) == 2
        write_text(tmp_path / "file", "text")
        (left,) = tmp_path.glob("*.tmp")
        assert left.name.startswith(".a-b.c.")  # whoever writes it is alive
    finally:
        live.kill()
        live.communicate()


def test_kill_9_in_the_middle_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    code = (
        "import sys, time; from pathlib import Path; from mrcl_bench.atomic import write_atomic\n"
        "n = 0\n"
        "def write(file):\n"
        "    file.write(b'%09d\\n' % n * 1000); file.flush()\n"
        "    print(n, flush=True); time.sleep(0 if n == 1 else 0.5)\n"
        "    file.write(b'%09d\\n' % n * 1000)\n"
        "while True: n += 1; write_atomic(Path(sys.argv[1]), write)\n"
    )
    for delay in (0.0, 0.05, 0.1):
        path.unlink(missing_ok=True)
        writer = subprocess.Popen(
            [sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        assert [writer.stdout.readline() for _ in range(2)] == ["1\n", "2\n"]
        time.sleep(delay)
        writer.kill()
        writer.communicate()
        lines = path.read_text().splitlines()
        assert lines == [lines[0]] * 2000


def test_json_is_canonical_and_refuses_nan(tmp_path: Path) -> None:
    write_json(tmp_path / "a", {"b": 1, "a": 2})
    write_json(tmp_path / "b", {"a": 2, "b": 1})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "c", {"a": float("nan")})
    assert not (tmp_path / "c").exists()


def test_sha256_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc" * 100_000)
    assert sha256_file(tmp_path / "x") == hashlib.sha256(b"abc" * 100_000).hexdigest()
