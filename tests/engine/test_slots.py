"""GPUs and cores are handed out, each to one worker at a time."""

from __future__ import annotations

import subprocess
from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mrcl_bench.engine import slots
from mrcl_bench.engine.slots import Slot, hand_out, usable_cores, visible_gpus
from mrcl_bench.errors import EXIT_USAGE, BenchError

EIGHT = [str(index) for index in range(8)]


def _gpus(*arguments: Any) -> list[tuple[str, ...]]:
    return [slot.gpus for slot in hand_out(*arguments)]


@pytest.mark.parametrize(
    ("count", "processes", "wanted"),
    [
        (None, 0, [(gpu,) for gpu in EIGHT]),
        (None, 8, [tuple(EIGHT)]),
        (None, 4, [tuple("0123"), tuple("4567")]),
        (None, 3, [tuple("012"), tuple("345")]),
        (2, 3, [tuple("012"), tuple("345")]),
        (1, 0, [("0",)]),
    ],
)
def test_gpus(count: int | None, processes: int, wanted: list[tuple[str, ...]]) -> None:
    assert _gpus(count, processes, EIGHT, range(64)) == wanted


@pytest.mark.parametrize(
    ("count", "processes", "gpus", "said"),
    [
        (None, 8, ["4", "6"], "1 worker at a time with 8 GPUs each needs 8 GPUs; there are 2"),
        (3, 2, list("0123"), "3 workers at a time with 2 GPUs each need 6 GPUs; there are 4"),
        (2, 0, ["0"], "2 workers at a time with 1 GPU each need 2 GPUs; there is 1"),
    ],
)
def test_more_gpus_than_there_are(
    count: int | None, processes: int, gpus: list[str], said: str
) -> None:
    with pytest.raises(BenchError) as caught:
        hand_out(count, processes, gpus, range(4))
    assert said in caught.value.what
    assert caught.value.exit_code == EXIT_USAGE


def test_a_gpu_is_shared_where_that_is_said() -> None:
    assert _gpus(2, 0, ["1", "1"], range(4)) == [("1",), ("1",)]


@pytest.mark.parametrize(
    ("count", "processes", "cores", "wanted"),
    [
        (None, 0, [0], [()]),
        (None, 0, [3, 7], [(3,), (7,)]),
        (None, 0, range(10), [(0, 1), (2, 3, 4), (5, 6), (7, 8, 9)]),
        (3, 0, [3, 7], [(), (), ()]),
        (None, 2, range(8), [()]),
        (2, 2, range(4), [(0, 1), (2, 3)]),
        (2, 2, range(3), [(), ()]),
    ],
)
def test_cores(count: int | None, processes: int, cores: Any, wanted: list[Any]) -> None:
    handed = hand_out(count, processes, [], cores)
    assert [slot.cores for slot in handed] == wanted
    assert not any(slot.gpus for slot in handed)
    given = list(chain(*wanted))
    assert len(given) == len(set(given)) and given in ([], list(cores))


def test_cores_are_handed_out_beside_gpus() -> None:
    assert hand_out(2, 2, list("0123"), range(8)) == [
        Slot(("0", "1"), (0, 1, 2, 3)),
        Slot(("2", "3"), (4, 5, 6, 7)),
    ]


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("", []),
        ("-1", []),
        ("2,3", ["2", "3"]),
        ("2, 3", ["2", "3"]),
        ("0,-1,1", ["0"]),
        ("GPU-1234,MIG-5", ["GPU-1234", "MIG-5"]),
    ],
)
def test_visible_devices_are_respected(value: str, wanted: list[str]) -> None:
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": value}) == wanted


def test_gpus_are_counted_without_torch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    listed = "GPU 0: NVIDIA H100 (UUID: GPU-a)\n  MIG 1g.10gb Device 0: (UUID: MIG-b)\nGPU 1: x\n"
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: SimpleNamespace(stdout=listed))
    assert visible_gpus({}) == ["0", "1"]

    def missing(*arguments: Any, **options: Any) -> Any:
        raise FileNotFoundError

    monkeypatch.setattr(subprocess, "run", missing)
    for name in ("nvidia0", "nvidia7", "nvidiactl", "nvidia-uvm"):
        (tmp_path / name).touch()
    monkeypatch.setattr(slots, "Path", lambda _: tmp_path)
    assert visible_gpus({}) == ["0", "1"]


def test_what_a_worker_sees() -> None:
    slot = Slot(("4", "6"))
    assert slot.environment(0) == {"CUDA_VISIBLE_DEVICES": "4"}
    assert slot.environment(2) == {"CUDA_VISIBLE_DEVICES": "4,6"}
    assert Slot().environment(2) == {}
    assert usable_cores()
