"""Writes a data folder all at once: a killed run leaves nothing half-made."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

import cv2
import numpy as np

from mrcl_bench.atomic import write_json
from mrcl_bench.data.manifest import CHECKSUMS, MANIFEST, SCHEMA, sha256_lines
from mrcl_bench.data.source import Image
from mrcl_bench.errors import BenchError


class NewFolder:
    """A data folder in the making, beside its final place.

    Leaving the ``with`` block without `finish` removes what was written.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self._hashes: dict[str, str] = {}
        self._done = False
        self._folders: set[Path] = set()

    def __enter__(self) -> NewFolder:
        """Makes the temporary folder; sweeps away what killed runs left."""
        try:
            self.out.parent.mkdir(parents=True, exist_ok=True)
            _sweep(self.out)
            prefix = f".{self.out.name}.making.{os.getpid()}."
            self._path = Path(tempfile.mkdtemp(dir=self.out.parent, prefix=prefix))
        except OSError as error:
            raise BenchError(
                f"cannot write in {self.out.parent}: {error.strerror}.",
                "Set MRCL_BENCH_DATA to a folder that can be written to.",
            ) from error
        self._path.chmod(0o755)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Removes the temporary folder unless it was moved into place."""
        if not self._done:
            shutil.rmtree(self._path, ignore_errors=True)

    def write(self, name: str, content: bytes) -> None:
        """Writes a file, given its relative path, and keeps its sha256."""
        path = self._path / name
        try:
            if path.parent not in self._folders:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._folders.add(path.parent)
            path.write_bytes(content)
        except OSError as error:  # mostly a full disk
            raise BenchError(
                f"cannot write {self.out / name}: {error.strerror}.",
                "Make room there, or set MRCL_BENCH_DATA to another folder.",
            ) from error
        self._hashes[name] = hashlib.sha256(content).hexdigest()

    def write_image(self, name: str, pixels: Image) -> None:
        """Writes a PNG, or a JPEG of quality 95, by the file's suffix."""
        suffix = Path(name).suffix
        options = [cv2.IMWRITE_JPEG_QUALITY, 95] if suffix == ".jpg" else []
        done, content = cv2.imencode(suffix, np.ascontiguousarray(pixels), options)
        if not done:
            raise RuntimeError(f"OpenCV cannot write {name}")
        self.write(name, content.tobytes())

    def write_json(self, name: str, value: Any) -> None:
        """Writes compact JSON with sorted keys."""
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
        self.write(name, text.encode())

    def finish(self, splits: list[str], **fields: Any) -> str:
        """Writes checksums and manifest and moves the folder into place.

        Args:
            splits: Folders (relative) that get a count and a sha256 of their own.
            **fields: What else the manifest says.

        Returns:
            The sha256 of the whole set.
        """
        parts = {}
        for split in splits:
            inside = {n: h for n, h in self._hashes.items() if n.startswith(f"{split}/")}
            parts[split] = {"count": len(inside), "sha256": sha256_lines(inside)}
        lines = "".join(f"{h}  {n}\n" for n, h in sorted(self._hashes.items()))
        (self._path / CHECKSUMS).write_text(lines, encoding="utf-8")
        sha256 = sha256_lines(self._hashes)
        write_json(
            self._path / MANIFEST,
            {
                "schema": SCHEMA,
                "sha256": sha256,
                "files": len(self._hashes),
                "splits": parts,
                **fields,
            },
        )
        old = None
        if self.out.exists():
            prefix = f".{self.out.name}.old.{os.getpid()}."
            old = Path(tempfile.mkdtemp(dir=self.out.parent, prefix=prefix))
            self.out.replace(old / "old")
        self._path.replace(self.out)
        self._done = True
        if old is not None:
            shutil.rmtree(old, ignore_errors=True)
        return sha256


def _sweep(out: Path) -> None:
    """Removes the hidden folders beside `out` that killed runs left."""
    for left in out.parent.glob(f".{out.name}.*"):
        role, _, rest = left.name.removeprefix(f".{out.name}.").partition(".")
        pid = rest.split(".")[0]
        if role not in ("making", "old") or not pid.isdecimal():
            continue
        try:
            os.kill(int(pid), 0)  # signal 0 only asks whether the process lives
        except (ProcessLookupError, OverflowError):
            shutil.rmtree(left, ignore_errors=True)
        except PermissionError:
            continue  # it lives, as another user
