"""Makes a resumed run draw the random numbers, and count the time, of an uninterrupted one."""

from __future__ import annotations

import contextlib
import itertools
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from mmengine.dataset import InfiniteSampler
from mmengine.dist import all_gather_object, get_world_size
from mmengine.hooks import Hook
from mmengine.logging import HistoryBuffer

from .capture import Stopwatch

_KEY = "rng"
_OTHERS = "rng_of_others"


def rng_state() -> dict[str, Any]:
    """The states of torch's (CPU), numpy's and python's generators, as plain containers."""
    kind, keys, *rest = np.random.get_state()
    version, words, gauss = random.getstate()
    return {
        "torch": torch.get_rng_state(),
        "numpy": [kind, torch.from_numpy(np.asarray(keys, dtype=np.int64)), *rest],
        "python": [version, list(words), gauss],
    }


def restore_rng(state: dict[str, Any]) -> None:
    """Puts the generators back into a state from `rng_state`."""
    torch.set_rng_state(state["torch"].cpu().to(torch.uint8))
    kind, keys, *rest = state["numpy"]
    np.random.set_state((kind, keys.cpu().numpy().astype(np.uint32), *rest))
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))


def states_of_others() -> dict[str, Any]:
    """For a checkpoint's ``meta``: the generator states of all processes but the first, in order.

    All processes must call it; only the first one is asked for a checkpoint's other contents.
    """
    if get_world_size() == 1:
        return {}
    return {_OTHERS: all_gather_object(rng_state())[1:]}


def seed_apart(*numbers: int) -> None:
    """Seeds the generators with a stream that belongs to these numbers alone."""
    python, numpy, network = np.random.SeedSequence(numbers).generate_state(3)
    random.seed(int(python))
    np.random.seed(int(numpy))
    torch.manual_seed(int(network))


class RngHook(Hook):  # type: ignore[misc]
    """Saves generator states in checkpoints and restores them when a run goes on.

    mmengine restores weights, optimiser, schedules and the sampler's place, but no generator, and
    of a run that counts epochs it knows no place within one. With data loaded in the main process
    (``num_workers=0``) a run is then bit-identical to an uninterrupted one on the same CPU; with
    workers their seeds differ.

    mmengine seeds several processes alike, and all would draw the same views and masks: all but
    the first get streams of their own, and each goes on in its own (`states_of_others`).
    """

    def __init__(self) -> None:
        self._resumes = False
        self._loaded: dict[str, Any] | None = None
        self._done = 0

    def before_save_checkpoint(self, runner: Any, checkpoint: dict[str, Any]) -> None:  # noqa: D102
        checkpoint[_KEY] = rng_state()

    def after_load_checkpoint(self, runner: Any, checkpoint: dict[str, Any]) -> None:  # noqa: D102
        meta = checkpoint.get("meta", {})
        states = [checkpoint.get(_KEY), *meta.get(_OTHERS, [])]
        self._resumes = _KEY in checkpoint
        self._loaded = states[runner.rank] if runner.rank < len(states) else None
        self._done = int(meta.get("steps_of_epoch", 0))

    def before_train(self, runner: Any) -> None:  # noqa: D102
        state, self._loaded = self._loaded, None
        if runner.rank:
            seed_apart(runner.seed, runner.rank, runner.iter)
        if not self._resumes:
            return
        self._resumes = False
        iterator = getattr(runner.train_loop, "dataloader_iterator", None)
        if iterator is None:
            _go_on_in_epoch(runner, self._done, state)
            return
        skip = iterator.skip_iter

        def skip_and_restore(steps: int) -> None:
            loader = iterator._dataloader
            endless = isinstance(getattr(loader.batch_sampler, "sampler", None), InfiniteSampler)
            if endless and iterator._resolve_sampler() is None:
                # Batches by shape, say: mmengine would load all that were trained on already.
                with _without_first(loader, steps):
                    iterator._ensure_iterator()
            else:
                skip(steps)
                iterator._ensure_iterator()  # making the loader's iterator draws from torch
            _restore(runner, state)

        iterator.skip_iter = skip_and_restore


def _restore(runner: Any, state: dict[str, Any] | None) -> None:
    """Restores generators; a process whose state was not saved goes on with a new stream."""
    if state is None:
        seed_apart(runner.seed, runner.rank, runner.iter)
    else:
        restore_rng(state)


def _go_on_in_epoch(runner: Any, done: int, state: dict[str, Any] | None) -> None:
    """Makes the first epoch of an epoch-based loop begin after its steps that are done already."""
    loop = runner.train_loop

    def run_epoch() -> None:
        del loop.run_epoch  # the class's own again
        runner.call_hook("before_train_epoch")
        runner.model.train()
        if done:
            with _without_first(loop.dataloader, done):
                batches = iter(loop.dataloader)
            _restore(runner, state)  # making it drew from torch, and was done before saving
        else:
            _restore(runner, state)
            batches = iter(loop.dataloader)
        for index, batch in enumerate(batches, start=done):
            loop.run_iter(index, batch)
        runner.call_hook("after_train_epoch")
        loop._epoch += 1

    loop.run_epoch = run_epoch


@contextlib.contextmanager
def _without_first(loader: Any, count: int) -> Iterator[None]:
    """While inside, the loader's new iterator passes over batches without loading them."""
    real = loader.batch_sampler

    class Rest:
        def __iter__(self) -> Iterator[Any]:
            return itertools.islice(iter(real), count, None)

        def __len__(self) -> int:
            return len(real) - count

    vars(loader)["batch_sampler"] = Rest()  # setting it the plain way is refused
    try:
        yield
    finally:
        vars(loader)["batch_sampler"] = real


class GradientHook(Hook):  # type: ignore[misc]
    """Saves and restores the gradients of a step that is not complete, where they are accumulated.

    Of several processes the first one's gradients stand for all.
    """

    def __init__(self) -> None:
        self._loaded: dict[str, torch.Tensor] = {}

    def before_save_checkpoint(self, runner: Any, checkpoint: dict[str, Any]) -> None:  # noqa: D102
        wrapper = runner.optim_wrapper
        if wrapper._inner_count % wrapper._accumulative_counts:
            checkpoint["gradients"] = {
                name: parameter.grad.detach().cpu()
                for name, parameter in runner.model.named_parameters()
                if parameter.grad is not None
            }

    def after_load_checkpoint(self, runner: Any, checkpoint: dict[str, Any]) -> None:  # noqa: D102
        self._loaded = checkpoint.get("gradients", {})

    def before_train(self, runner: Any) -> None:  # noqa: D102
        for name, parameter in runner.model.named_parameters():
            if name in self._loaded:
                parameter.grad = self._loaded[name].to(parameter.device)
        self._loaded = {}


class PlainHistoryHook(Hook):  # type: ignore[misc]
    """Saves the logged curves as plain tensors, which a reader that runs no code can read.

    mmengine pickles its `HistoryBuffer` with methods inside, and what a data set says of itself.
    """

    def before_save_checkpoint(self, runner: Any, checkpoint: dict[str, Any]) -> None:  # noqa: D102
        meta = checkpoint["meta"]
        checkpoint["meta"] = {key: value for key, value in meta.items() if _is_plain(value)}
        hub = checkpoint["message_hub"]
        curves = {}
        for name, buffer in hub["log_scalars"].items():
            if isinstance(buffer, HistoryBuffer):
                values, counts = (torch.as_tensor(np.asarray(array)) for array in buffer.data)
                curves[name] = {"values": values, "counts": counts, "most": buffer.max_length}
        info = {key: value for key, value in hub["runtime_info"].items() if _is_plain(value)}
        checkpoint["message_hub"] = {**hub, "log_scalars": curves, "runtime_info": info}

    def after_load_checkpoint(self, runner: Any, checkpoint: dict[str, Any]) -> None:  # noqa: D102
        hub: dict[str, Any] = checkpoint.get("message_hub", {})
        for name, curve in hub.get("log_scalars", {}).items():
            if isinstance(curve, dict):
                history = (curve[key].cpu().numpy() for key in ("values", "counts"))
                hub["log_scalars"][name] = HistoryBuffer(*history, max_length=curve["most"])


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_is_plain(entry) for pair in value.items() for entry in pair)
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return (
        value is None or isinstance(value, torch.Tensor) or type(value) in (bool, int, float, str)
    )


class ElapsedHook(Hook):  # type: ignore[misc]
    """Carries the time spent so far through checkpoints, so that a resumed run's cost is whole.

    What was trained after the last checkpoint of an interrupted run, and lost, is not counted.
    """

    def __init__(self, watch: Stopwatch) -> None:
        self._watch = watch
        self._before = 0.0

    @property
    def seconds(self) -> float:
        """Wall-clock seconds of this run and of those that it goes on from."""
        return self._before + self._watch.seconds

    def before_save_checkpoint(self, runner: Any, checkpoint: dict[str, Any]) -> None:  # noqa: D102
        checkpoint["elapsed_seconds"] = self.seconds

    def after_load_checkpoint(self, runner: Any, checkpoint: dict[str, Any]) -> None:  # noqa: D102
        self._before = float(checkpoint.get("elapsed_seconds", 0.0))


class ResumedHook(Hook):  # type: ignore[misc]
    """Notes at which steps a run was gone on from, where it may end otherwise than undisturbed.

    Attributes:
        steps: Empty of a run that was never interrupted, and of one that goes on to the bit: on
            the CPU, in one process that loads its pictures itself. Processes that load pictures
            have their own random numbers, which are not saved, and GPUs add in any order.
    """

    def __init__(self) -> None:
        self.steps: list[int] = []

    def before_save_checkpoint(self, runner: Any, checkpoint: dict[str, Any]) -> None:  # noqa: D102
        checkpoint["resumed"] = list(self.steps)

    def after_load_checkpoint(self, runner: Any, checkpoint: dict[str, Any]) -> None:  # noqa: D102
        self.steps = [int(step) for step in checkpoint.get("resumed", [])]
        if not _is_exact(runner):
            self.steps.append(int(checkpoint["meta"]["iter"]))


def _is_exact(runner: Any) -> bool:
    on_cpu = next(runner.model.parameters()).device.type == "cpu"
    return bool(on_cpu and runner.world_size == 1 and runner.train_dataloader.num_workers == 0)
