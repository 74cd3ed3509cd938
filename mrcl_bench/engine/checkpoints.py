"""Training checkpoints that survive what happens to them: whole, hashed, and never the only one."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from mmengine.dist import get_rank, is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.registry import HOOKS

from ..atomic import sha256_file, write_text
from ..checkpoint import load_checkpoint
from ..errors import BenchError
from .batch import by_epoch
from .resume import states_of_others
from .stop import any_says

KEPT = 2
"""A run keeps at least this many: if the newest is damaged, the one before it goes on."""
_NAME = re.compile(r"(?:epoch|iter)_(\d+)(?:\+(\d+))?\.pth")
_DAMAGED = ".damaged"


@HOOKS.register_module()
class SafeCheckpointHook(CheckpointHook):  # type: ignore[misc]
    """mmengine's hook, but each file appears at once and whole, with its sha256 beside it.

    mmengine deletes the oldest checkpoint before it writes the newest, writes that in place, and
    believes ``last_checkpoint``. Here what is there stays until the new one is on the disk.

    Args:
        **options: As of mmengine's hook; of a limited number at least `KEPT` are kept.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        most = int(options.get("max_keep_ckpts", -1))
        self._kept = max(KEPT, most) if most > 0 else None
        self.max_keep_ckpts = -1  # mmengine deletes nothing

    def save_partway(self, runner: Any, done: int) -> None:
        """Saves after a step, in the hook ``after_train_iter``.

        Args:
            runner: The Runner.
            done: Steps of this epoch so far; a run that counts steps needs them not.
        """
        if not self.by_epoch:
            if not self._path(runner.iter + 1).exists():
                self._save_checkpoint(runner)
            return
        meta = {"epoch": runner.epoch, "iter": runner.iter + 1, "steps_of_epoch": done}
        self._save_checkpoint_with_step(runner, f"{runner.epoch}+{done}", meta)

    def _path(self, step: object) -> Path:
        return Path(self.out_dir) / str(self.filename_tmpl).format(step)

    def _save_checkpoint_with_step(self, runner: Any, step: object, meta: dict[str, Any]) -> None:
        if not self.by_epoch and not hasattr(runner.train_loop, "dataloader_iterator"):
            # Of a run of epochs that saves by steps, mmengine would repeat the epoch.
            steps = meta["iter"] - meta["epoch"] * len(runner.train_dataloader)
            meta = {**meta, "steps_of_epoch": steps}
        path = self._path(step)
        partial = path.with_name(f".{path.name}.tmp")
        meta = {**meta, **states_of_others()}
        self.last_ckpt = str(path)
        runner.message_hub.update_info("last_ckpt", self.last_ckpt)
        try:
            runner.save_checkpoint(
                str(path.parent),
                partial.name,
                save_optimizer=self.save_optimizer,
                save_param_scheduler=self.save_param_scheduler,
                meta=meta,
                by_epoch=self.by_epoch,
                backend_args=self.backend_args,
                **self.args,
            )
            if not is_main_process():
                return
            _publish(partial, path)
        finally:
            if is_main_process():
                partial.unlink(missing_ok=True)
        write_text(Path(runner.work_dir) / "last_checkpoint", self.last_ckpt)
        if self._kept is not None:
            for old in training_checkpoints(path.parent)[self._kept :]:
                _remove(old)


@HOOKS.register_module()
class PacedCheckpointHook(SafeCheckpointHook):
    """Of downstream jobs: saves, besides when its config says, as often as costs a hundredth.

    However large the network and slow the disk: after a checkpoint that took a second, training
    goes on for a hundred before the next one. None outlives its job's record, so two are enough.

    Args:
        **options: As of `SafeCheckpointHook`.
    """

    first_seconds = 10.0
    """Training before the first one, whose cost nobody knows."""
    share = 0.01

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._kept = KEPT
        self._due = 0.0

    def before_train(self, runner: Any) -> None:  # noqa: D102
        super().before_train(runner)
        self._due = time.monotonic() + self.first_seconds

    def after_train_iter(  # noqa: D102
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        super().after_train_iter(runner, batch_idx, data_batch, outputs)
        if any_says(is_main_process() and time.monotonic() >= self._due):
            self.save_partway(runner, batch_idx + 1)

    def _save_checkpoint_with_step(self, runner: Any, step: object, meta: dict[str, Any]) -> None:
        begun = time.monotonic()
        super()._save_checkpoint_with_step(runner, step, meta)
        ended = time.monotonic()
        self._due = ended + (ended - begun) / self.share


def _publish(partial: Path, path: Path) -> None:
    with partial.open("rb+") as file:
        os.fsync(file.fileno())
    # The hash first: a checkpoint that has none beside it was not written here.
    write_text(_hash_file(path), sha256_file(partial) + "\n")
    partial.replace(path)


def _hash_file(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    _hash_file(path).unlink(missing_ok=True)


def training_checkpoints(folder: Path) -> list[Path]:
    """A run's training checkpoints, the newest first, by their names alone."""
    found = []
    for path in folder.glob("*.pth"):
        if match := _NAME.fullmatch(path.name):
            found.append((int(match[1]), int(match[2] or 0), path))
    return [path for *_, path in sorted(found, reverse=True)]


def newest_sound(folder: Path) -> tuple[Path | None, list[str]]:
    """Finds the checkpoint to go on from; ``last_checkpoint`` is not believed.

    What is damaged is renamed, so that it is never taken for a checkpoint again.

    Args:
        folder: The run's.

    Returns:
        The newest that is what was written, or None where there never was one; and a warning for
        each that was passed over.

    Raises:
        BenchError: There was one, and none is left. A silent start from nothing would throw away
            what may still be saved by hand.
    """
    passed: list[str] = []
    for path in training_checkpoints(folder):
        reason = _damage(path)
        if reason is None:
            return path, passed
        with contextlib.suppress(FileNotFoundError):  # another process of this run was quicker
            path.replace(path.with_name(path.name + _DAMAGED))
        _hash_file(path).unlink(missing_ok=True)
        passed.append(f"passed over {path}: {reason}")
    if passed or (folder / "last_checkpoint").exists() or any(folder.glob(f"*{_DAMAGED}")):
        raise BenchError(
            f"no training checkpoint in {folder} is sound any more. {' '.join(passed)}".strip(),
            "Put one back, or delete that folder to train from the start.",
        )
    return None, passed


def _damage(path: Path) -> str | None:
    """Says what is wrong with a checkpoint, if anything."""
    try:
        if _hash_file(path).exists():
            if sha256_file(path) != _hash_file(path).read_text().strip():
                return "its sha256 is not what was saved."
        content = load_checkpoint(path)
    except BenchError as error:
        return str(error)
    whole = isinstance(content, dict) and {"meta", "state_dict", "message_hub"} <= content.keys()
    return None if whole else "it is no training checkpoint."


def go_on(config: Any, folder: Path, identity: str, *others: Path) -> None:
    """Makes a run go on from its newest sound checkpoint, or begin.

    Args:
        config: The run's; changed in place where there is something to go on from.
        folder: The run's.
        identity: What has to be the same for that. Of another run, checkpoints are deleted.
        *others: Folders that belong to the run and go with its checkpoints.

    Raises:
        BenchError: As `newest_sound`.
    """
    from .runtime import same_for_all

    mark = folder / "identity.txt"
    if same_for_all(mark.exists() and mark.read_text() == identity):
        newest, warnings = newest_sound(folder) if get_rank() == 0 else (None, [])
        for warning in warnings:
            print(f"warning: {warning}", file=sys.stderr)  # noqa: T201
        newest = same_for_all(newest)
        if newest is not None:
            config.resume, config.load_from = True, str(newest)
        return
    forget(folder)
    for other in others:
        shutil.rmtree(other, ignore_errors=True)
    write_text(mark, identity)


def forget(folder: Path) -> None:
    """Deletes a run's training checkpoints, sound or not; ``last_checkpoint`` first.

    Killed in between, what is left is still the same run's.
    """
    (folder / "last_checkpoint").unlink(missing_ok=True)
    for pattern in (f"*{_DAMAGED}", ".*.pth.tmp"):
        for leftover in folder.glob(pattern):
            leftover.unlink(missing_ok=True)
    for path in training_checkpoints(folder):
        _remove(path)
    for orphan in folder.glob("*.pth.sha256"):
        orphan.unlink(missing_ok=True)


def protect(config: Any) -> None:
    """Puts `SafeCheckpointHook` where a config has mmengine's; its hash was taken before."""
    _replace_hook(config, "mmengine.SafeCheckpointHook")


def pace(config: Any) -> None:
    """Puts `PacedCheckpointHook` where a config has mmengine's, and where it has none."""
    hooks = config.setdefault("default_hooks", {})
    if hooks.get("checkpoint", ()) is None:
        never = {"interval": -1, "save_last": False, "by_epoch": by_epoch(config)}
        hooks["checkpoint"] = {"type": "CheckpointHook", **never}
    _replace_hook(config, "mmengine.PacedCheckpointHook")


def _replace_hook(config: Any, kind: str) -> None:
    hooks = config.setdefault("default_hooks", {})
    wanted = hooks.get("checkpoint", {"type": "CheckpointHook"})
    if wanted is not None and wanted.get("type", "CheckpointHook") == "CheckpointHook":
        hooks["checkpoint"] = {**wanted, "type": kind}


def checkpoint_hook(runner: Any) -> SafeCheckpointHook | None:
    """The Runner's `SafeCheckpointHook`, if its config did not choose another or none."""
    return next((hook for hook in runner.hooks if isinstance(hook, SafeCheckpointHook)), None)
