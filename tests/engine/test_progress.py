"""Progress travels over a pipe, and its loss stops nobody."""

from __future__ import annotations

import os

import pytest

from mrcl_bench.engine.progress import FD_VARIABLE, report


def test_lines_on_the_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    monkeypatch.setenv(FD_VARIABLE, str(writer))
    report(1, 3, "steps")
    report(2, 3, "steps")
    os.close(writer)
    assert os.read(reader, 1000) == b"1\t3\tsteps\n2\t3\tsteps\n"
    os.close(reader)


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FD_VARIABLE, raising=False)
    report(1, 3, "steps")


@pytest.mark.parametrize("value", ["no number", "987654"])
def test_a_wrong_pipe_is_given_up(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(FD_VARIABLE, value)
    report(1, 3, "steps")
    assert FD_VARIABLE not in os.environ


def test_a_dead_parent_does_not_stop_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    monkeypatch.setenv(FD_VARIABLE, str(writer))
    report(1, 3, "steps")
    assert FD_VARIABLE not in os.environ
    os.close(writer)
