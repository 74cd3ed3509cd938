"""Each process draws from a stream of its own; the first one keeps the job's."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("mmengine")

import numpy as np  # noqa: E402

from mrcl_bench.engine.resume import RngHook, restore_rng, rng_state, seed_apart  # noqa: E402


def _drawn() -> tuple[float, float, float]:
    return random.random(), float(np.random.rand()), float(torch.rand(()))


def _began(rank: int, seed: int = 0, at: int = 0) -> tuple[float, float, float]:
    """What a process draws first after mmengine has seeded all of them alike."""
    state = rng_state()
    try:
        random.seed(seed), np.random.seed(seed), torch.manual_seed(seed)
        runner: Any = SimpleNamespace(rank=rank, seed=seed, iter=at, train_loop=object())
        RngHook().before_train(runner)
        return _drawn()
    finally:
        restore_rng(state)


def test_no_two_processes_draw_the_same() -> None:
    drawn = [_began(rank) for rank in range(4)]
    assert all(len(set(column)) == 4 for column in zip(*drawn, strict=True))
    assert drawn == [_began(rank) for rank in range(4)]


def test_the_first_process_keeps_the_seed_and_others_follow_seed_and_step() -> None:
    state = rng_state()
    random.seed(3), np.random.seed(3), torch.manual_seed(3)
    plain = _drawn()
    restore_rng(state)
    assert _began(0, seed=3) == plain
    assert len({_began(1), _began(1, seed=1), _began(1, at=7), _began(2)}) == 4


def _resumed(checkpoint: dict[str, Any], rank: int) -> tuple[float, float, float]:
    """What a process draws first when a run goes on from a checkpoint."""

    class Iterator:
        _dataloader = SimpleNamespace(batch_sampler=None)

        def skip_iter(self, steps: int) -> None:
            pass

        def _ensure_iterator(self) -> None:
            pass

    before = rng_state()
    try:
        hook, iterator = RngHook(), Iterator()
        loop = SimpleNamespace(dataloader_iterator=iterator)
        runner: Any = SimpleNamespace(rank=rank, seed=0, iter=5, train_loop=loop)
        hook.after_load_checkpoint(runner, checkpoint)
        hook.before_train(runner)
        iterator.skip_iter(5)
        return _drawn()
    finally:
        restore_rng(before)


def _stream(number: int) -> tuple[dict[str, Any], tuple[float, float, float]]:
    """A state, and what is drawn from it."""
    before = rng_state()
    try:
        seed_apart(number)
        return rng_state(), _drawn()
    finally:
        restore_rng(before)


def test_each_process_goes_on_in_its_own_stream() -> None:
    states, wanted = zip(*map(_stream, range(3)), strict=True)
    checkpoint = {"rng": states[0], "meta": {"rng_of_others": list(states[1:])}}
    assert [_resumed(checkpoint, rank) for rank in range(3)] == list(wanted)


def test_a_process_whose_state_was_not_saved_does_not_take_the_first_ones() -> None:
    state, wanted = _stream(9)
    drawn = [_resumed({"rng": state, "meta": {}}, rank) for rank in range(3)]
    assert drawn[0] == wanted
    assert len(set(drawn)) == 3
