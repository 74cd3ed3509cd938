"""Two processes with half a batch each train as one with all of it does."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytest.importorskip("mmpretrain")

from .gradients import CASES, SHARED  # noqa: E402
from .start import torchrun  # noqa: E402

pytestmark = pytest.mark.slow

Found = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """What each case differs by."""
    out = tmp_path_factory.mktemp("gradients") / "found.json"
    torchrun("tests.distributed.gradients", out)
    result: Found = json.loads(out.read_text())
    return result


@pytest.mark.parametrize("case", [name for name in CASES if name != "simclr, ResNet"])
def test_losses_gradients_and_the_network_after_two_steps(found: Found, case: str) -> None:
    assert found[case]["losses"] < 1e-5
    assert found[case]["grads"] < 1e-5
    assert found[case]["state"] < 1e-5


def test_simclr_of_mmpretrain_divides_its_gradient_by_the_processes(found: Found) -> None:
    # Each process computes the loss of all, and its gathering gives gradients of its own part
    # alone, which DDP then averages: one more division than in one process.
    first, _ = found["simclr, ResNet"]["ratios"]
    assert first == pytest.approx(0.5, rel=1e-6)
    assert found[SHARED]["grads"] < 1e-5
