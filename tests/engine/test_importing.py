"""Imports let the collector rest, and leave it as it was."""

from __future__ import annotations

import gc
import sys
from types import ModuleType

import pytest

from mrcl_bench.engine import importing as subject
from mrcl_bench.engine.importing import importing


def test_the_collector_rests_and_is_as_before_whatever_happens() -> None:
    usual = gc.get_threshold()
    with importing():
        assert gc.get_threshold()[0] > 10 * usual[0]
    assert gc.get_threshold() == usual
    with pytest.raises(ImportError), importing():
        raise ImportError
    assert gc.get_threshold() == usual


def test_only_what_many_imports_made_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a second job in a process all is there, and the first one's rest must be collected."""
    frozen: list[bool] = []
    monkeypatch.setattr(subject.gc, "freeze", lambda: frozen.append(True))
    with importing():
        pass
    assert not frozen
    with importing():
        for index in range(60):
            monkeypatch.setitem(sys.modules, f"made_up_{index}", ModuleType("made_up"))
    assert frozen == [True]
