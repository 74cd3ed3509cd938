"""Runners of one process keep apart what mmengine holds by name."""

import time
from pathlib import Path

import pytest

from mrcl_bench.engine.runtime import build_runner

from .toy_run import config


def test_runners_of_folders_of_one_name_share_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time", lambda: 1e9)  # mmengine adds the second to a name
    runners = []
    for scope in ("mmdet", "mmseg"):
        wanted = config(length=1)
        wanted.default_scope = scope
        runners.append(build_runner(wanted, tmp_path / scope / "seed-0", 0, "none", "toy"))
    one, other = runners
    one.message_hub.update_scalar("train/loss", 1.0)
    assert one.message_hub is not other.message_hub
    assert one.logger is not other.logger
    assert [runner.default_scope.scope_name for runner in runners] == ["mmdet", "mmseg"]
    assert "train/loss" not in other.message_hub.log_scalars
