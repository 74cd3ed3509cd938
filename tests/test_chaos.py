"""SIGKILL at random moments: nothing lost, nothing doubled, nothing half, the same numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("mmpretrain")

from tools.chaos import chaos  # noqa: E402


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_five_kills_change_nothing(tmp_path: Path) -> None:
    tally = chaos(tmp_path, kills=5, seconds=900, seed=0, protocols=("finetune",))
    assert tally.kills == 5
    assert tally.finished >= 1
