"""A Slurm that only says it is one."""

from __future__ import annotations

from pathlib import Path

import pytest

from .fake_slurm import FakeSlurm


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    """Slurm's commands as scripts, first in PATH."""
    pytest.importorskip("submitit")
    return FakeSlurm(tmp_path / "slurm", monkeypatch)
