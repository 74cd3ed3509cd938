"""Training checkpoints: damaged ones are passed over, a full disk harms none, resume is exact."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("mmengine")

from mmengine.hooks import Hook  # noqa: E402
from mmengine.registry import DATA_SAMPLERS  # noqa: E402
from mmengine.runner.loops import _InfiniteDataloaderIterator  # noqa: E402

from mrcl_bench.atomic import sha256_file  # noqa: E402
from mrcl_bench.engine import checkpoints  # noqa: E402
from mrcl_bench.engine.capture import Diverged, classify  # noqa: E402
from mrcl_bench.engine.checkpoints import (  # noqa: E402
    SafeCheckpointHook,
    forget,
    newest_sound,
    pace,
    training_checkpoints,
)
from mrcl_bench.engine.stop import STOP  # noqa: E402
from mrcl_bench.errors import BenchError  # noqa: E402

from .toy_run import ToyVectors, config, hashes, train  # noqa: E402


@pytest.fixture(autouse=True)
def _fresh_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(STOP, "requested", False)


class At(Hook):  # type: ignore[misc]
    """Does something after a step."""

    def __init__(self, step: int, act: Callable[[], object]) -> None:
        self.step, self.act = step, act

    def after_train_iter(self, runner: Any, *rest: Any, **more: Any) -> None:
        if runner.iter + 1 == self.step:
            self.act()


def _signalled() -> None:
    STOP._handle(15, None)


def _killed() -> None:
    raise KeyboardInterrupt


def _truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4] = bytes(byte ^ 0xFF for byte in content[middle : middle + 4])
    path.write_bytes(content)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _stopped(folder: Path, by_epoch: bool = False) -> list[Path]:
    """A run that was killed late; returns its checkpoints, the newest first."""
    with pytest.raises(KeyboardInterrupt):
        train(folder, config(by_epoch, 4 if by_epoch else 12, 1 if by_epoch else 3),
              (At(20 if by_epoch else 10, _killed),))  # fmt: skip
    return training_checkpoints(folder)


def test_two_are_kept_with_their_hashes_and_nothing_else(tmp_path: Path) -> None:
    found = _stopped(tmp_path)
    assert [path.name for path in found] == ["iter_9.pth", "iter_6.pth"]  # the config says 1
    for path in found:
        assert (tmp_path / f"{path.name}.sha256").read_text().strip() == sha256_file(path)
    assert len(list(tmp_path.glob("*.sha256"))) == 2
    assert not list(tmp_path.glob(".*.tmp"))
    assert (tmp_path / "last_checkpoint").read_text() == str(found[0])


@pytest.mark.parametrize("by_epoch", [False, True])
@pytest.mark.parametrize("damage", [_truncate, _flip, _empty])
def test_a_damaged_newest_gives_way_to_the_one_before(
    tmp_path: Path, damage: Callable[[Path], None], by_epoch: bool
) -> None:
    length, interval = (4, 1) if by_epoch else (12, 3)
    whole = hashes(train(tmp_path / "whole", config(by_epoch, length, interval)))
    newest, before = _stopped(tmp_path / "run", by_epoch)
    damage(newest)
    chosen, warnings = newest_sound(tmp_path / "run")
    assert chosen == before
    assert len(warnings) == 1 and str(newest) in warnings[0]
    assert hashes(train(tmp_path / "run", config(by_epoch, length, interval))) == whole


def test_the_hash_alone_tells_a_whole_file_of_another_run(tmp_path: Path) -> None:
    newest, before = _stopped(tmp_path)
    newest.write_bytes(before.read_bytes())  # loads well
    chosen, warnings = newest_sound(tmp_path)
    assert chosen == before and "sha256" in warnings[0]


def test_none_left_is_an_error_again_and_again(tmp_path: Path) -> None:
    for path in _stopped(tmp_path):
        _truncate(path)
    for _ in range(2):
        with pytest.raises(BenchError, match="no training checkpoint") as caught:
            newest_sound(tmp_path)
        assert "delete that folder" in caught.value.cure
    forget(tmp_path)
    assert newest_sound(tmp_path) == (None, [])


def test_a_last_checkpoint_that_is_gone_is_an_error(tmp_path: Path) -> None:
    for path in _stopped(tmp_path):
        path.unlink()
    with pytest.raises(BenchError, match="no training checkpoint"):
        newest_sound(tmp_path)


def test_last_checkpoint_is_not_believed(tmp_path: Path) -> None:
    newest, _ = _stopped(tmp_path)
    (tmp_path / "last_checkpoint").write_text("/nowhere/else.pth")
    assert newest_sound(tmp_path) == (newest, [])


def test_forget_leaves_nothing_to_go_on_from(tmp_path: Path) -> None:
    _truncate(_stopped(tmp_path)[0])
    newest_sound(tmp_path)
    forget(tmp_path)
    left = [path.name for path in tmp_path.iterdir()]
    assert not [name for name in left if ".pth" in name or name == "last_checkpoint"]


@pytest.mark.parametrize("point", ["write", "fsync", "replace"])
def test_a_full_disk_harms_no_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    from mmengine.fileio import LocalBackend

    def before() -> None:
        saved.update({path: path.read_bytes() for path in training_checkpoints(tmp_path)})

        def full(*arguments: Any) -> None:
            if point == "write":  # half of it fits
                Path(str(arguments[2])).write_bytes(arguments[1][: len(arguments[1]) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")

        target, name = {
            "write": (LocalBackend, "put"),
            "fsync": (os, "fsync"),
            "replace": (Path, "replace"),
        }[point]
        patch.setattr(target, name, full)

    saved: dict[Path, bytes] = {}
    with monkeypatch.context() as patch, pytest.raises(OSError) as caught:
        train(tmp_path, config(), (At(8, before),))
    assert classify(caught.value).kind == "disk"
    assert len(saved) == 2
    assert {path: path.read_bytes() for path in training_checkpoints(tmp_path)} == saved
    assert not list(tmp_path.glob(".*.tmp"))
    assert newest_sound(tmp_path) == (training_checkpoints(tmp_path)[0], [])


@pytest.mark.parametrize(
    ("by_epoch", "step"), [(False, 1), (False, 7), (True, 2), (True, 6), (True, 15)]
)
def test_a_signal_saves_after_the_step_and_resume_is_exact(
    tmp_path: Path, by_epoch: bool, step: int
) -> None:
    def wanted() -> Any:
        return config(by_epoch, 3 if by_epoch else 12, 50)

    whole = train(tmp_path / "whole", wanted())
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "run", wanted(), (At(step, _signalled),))
    newest = training_checkpoints(tmp_path / "run")[0]
    epoch, rest = divmod(step, 6)
    assert newest.name == (f"epoch_{0 if step == 6 else epoch}+{rest or 6}.pth" if by_epoch
                           else f"iter_{step}.pth")  # fmt: skip
    STOP.requested = False
    steps: list[int] = []

    class Count(Hook):  # type: ignore[misc]
        def after_train_iter(self, runner: Any, *rest: Any, **more: Any) -> None:
            steps.append(runner.iter + 1)

    resumed = train(tmp_path / "run", wanted(), (Count(),))
    assert steps == list(range(step + 1, whole.iter + 1))
    assert hashes(resumed) == hashes(whole)
    assert resumed.iter == whole.iter and resumed.epoch == whole.epoch
    assert _curves(resumed) == _curves(whole)


@pytest.mark.parametrize("killed_at", [5, 6, 10])
def test_a_run_of_epochs_that_saves_by_steps(tmp_path: Path, killed_at: int) -> None:
    def wanted() -> Any:
        made = config(by_epoch=True, length=2)
        made.default_hooks.checkpoint = {"type": "CheckpointHook", "by_epoch": False, "interval": 2}
        return made

    whole = train(tmp_path / "whole", wanted())
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "run", wanted(), (At(killed_at, _killed),))
    resumed = train(tmp_path / "run", wanted())
    assert (resumed.iter, resumed.epoch) == (whole.iter, whole.epoch) == (12, 2)
    assert hashes(resumed) == hashes(whole)


def test_gradients_of_an_incomplete_step_are_carried_over(tmp_path: Path) -> None:
    def wanted() -> Any:
        made = config(interval=50)
        made.optim_wrapper.accumulative_counts = 3
        return made

    whole = hashes(train(tmp_path / "whole", wanted()))
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "run", wanted(), (At(5, _signalled),))
    STOP.requested = False
    assert hashes(train(tmp_path / "run", wanted())) == whole


def test_what_a_data_set_says_of_itself_makes_no_checkpoint_unreadable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ToyVectors, "metainfo", {"classes": ("a", "b"), "measure": len})
    found = _stopped(tmp_path)
    assert newest_sound(tmp_path) == (found[0], [])


@DATA_SAMPLERS.register_module(force=True)
class ToyBatches(torch.utils.data.BatchSampler):
    """As mmdet's batches by aspect ratio: of a class that mmengine does not know to skip."""


def test_what_was_trained_on_is_not_loaded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By mmengine's way, resuming a long detection run reads all pictures so far once more."""

    def wanted() -> Any:
        made = config(interval=50)
        made.train_dataloader.batch_sampler = {"type": "ToyBatches", "drop_last": True}
        return made

    whole = hashes(train(tmp_path / "whole", wanted()))
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "run", wanted(), (At(8, _signalled),))
    STOP.requested = False
    taken: list[bool] = []
    real = _InfiniteDataloaderIterator._next_data

    def take(self: Any, skip_loading: bool = False) -> Any:
        taken.append(skip_loading)
        return real(self, skip_loading)

    monkeypatch.setattr(_InfiniteDataloaderIterator, "_next_data", take)
    assert hashes(train(tmp_path / "run", wanted())) == whole
    assert taken == [False] * 4


@pytest.mark.parametrize("by_epoch", [False, True])
def test_a_job_saves_as_often_as_costs_a_hundredth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_epoch: bool
) -> None:
    """By a clock on which a step takes 4 s and a checkpoint 0.15 s."""
    clock, saved = [0.0], []
    real = SafeCheckpointHook._save_checkpoint_with_step

    def save(self: Any, runner: Any, step: object, meta: Any) -> None:
        real(self, runner, step, meta)
        clock[0] += 0.15
        saved.append(runner.iter + 1)

    monkeypatch.setattr(checkpoints.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(SafeCheckpointHook, "_save_checkpoint_with_step", save)
    wanted = config(by_epoch, 3 if by_epoch else 18)
    wanted.default_hooks.checkpoint = None  # as short protocols say
    pace(wanted)

    class Step(Hook):  # type: ignore[misc]
        def before_train_iter(self, *arguments: Any, **more: Any) -> None:
            clock[0] += 4.0

    train(tmp_path, wanted, (Step(),))
    assert saved == [3, 7, 11, 15]  # after 10 s, then whenever 15 s have passed
    assert len(training_checkpoints(tmp_path)) == 2


def test_a_job_saves_when_its_config_says_so_too(tmp_path: Path) -> None:
    wanted = config(interval=5)
    pace(wanted)
    train(tmp_path, wanted)
    names = [path.name for path in training_checkpoints(tmp_path)]
    assert names == ["iter_12.pth", "iter_10.pth"]


def _curves(runner: Any) -> dict[str, list[float]]:
    scalars = runner.message_hub.log_scalars
    return {name: scalars[name].data[0].tolist() for name in ("train/loss", "train/lr")}


def test_a_loss_that_is_not_finite_is_never_saved(tmp_path: Path) -> None:
    with pytest.raises(Diverged, match="step 6"):
        train(tmp_path, config(explode_at=6))  # step 6 would be saved
    assert [path.name for path in training_checkpoints(tmp_path)] == ["iter_3.pth"]
