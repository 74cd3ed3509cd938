"""Pretraining: interrupted and resumed, diverged, restarted when something changed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("mmpretrain")

from mrcl_bench.catalog import Catalog, _build, read_bench_block  # noqa: E402
from mrcl_bench.convert.manifest import Manifest, read_manifest  # noqa: E402
from mrcl_bench.engine import runtime  # noqa: E402
from mrcl_bench.engine.capture import Diverged  # noqa: E402
from mrcl_bench.engine.progress import FD_VARIABLE  # noqa: E402
from mrcl_bench.engine.request import Request  # noqa: E402
from mrcl_bench.errors import EXIT_RESUMABLE, BenchError  # noqa: E402
from mrcl_bench.kept_configs import read  # noqa: E402
from mrcl_bench.pretrain import run_pretraining, status_path  # noqa: E402
from mrcl_bench.spec import Recipe  # noqa: E402
from mrcl_bench.workspace import Workspace  # noqa: E402

STEPS = 14
"""As the micro recipes say; they save every seventh."""
Stop = Callable[[int | None], None]


@pytest.fixture
def stop_at(monkeypatch: pytest.MonkeyPatch) -> Stop:
    """Makes training stop, as a signal would, after a number of steps; None lets it run."""
    steps: list[int | None] = [None]
    real = runtime.ProgressHook.after_train_iter

    def after(self: Any, runner: Any, *rest: Any, **more: Any) -> None:
        real(self, runner, *rest, **more)
        if steps[0] is not None and runner.iter + 1 == steps[0]:
            raise KeyboardInterrupt

    monkeypatch.setattr(runtime.ProgressHook, "after_train_iter", after)
    return lambda step: steps.__setitem__(0, step)


def _variant(catalog: Catalog, folder: Path, text: str, base: str = "simclr") -> Recipe:
    original = catalog.select_recipes("micro", [base])[0]
    block = read_bench_block(original.path)
    assert block is not None
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "variant.py"
    path.write_text(f"_base_ = [{str(original.path)!r}]\nbench = {block!r}\n{text}")
    spec = _build(path, block)
    assert isinstance(spec, Recipe)
    return spec


def _request(workspace: Workspace, recipe: Recipe, root: Path | None = None) -> Request:
    return Request(kind="pretrain", profile="micro", recipe=recipe, root=root or workspace.root)


def _manifest(workspace: Workspace, recipe: Recipe) -> Manifest:
    return read_manifest(workspace.checkpoint_dir("micro", recipe.name))


def _failure(workspace: Workspace, recipe: Recipe) -> dict[str, str]:
    value: dict[str, str] = json.loads(status_path(workspace, "micro", recipe.name).read_text())
    return value


@pytest.mark.parametrize("stopped", [3, 10])
def test_an_interrupted_run_goes_on_and_ends_the_same(
    micro_workspace: Workspace, micro_catalog: Catalog, tmp_path: Path, stop_at: Stop, stopped: int
) -> None:
    recipe = micro_catalog.select_recipes("micro", ["mrcl"])[0]
    whole = Workspace(tmp_path / "whole")
    run_pretraining(_request(whole, recipe))
    expected = _manifest(whole, recipe)
    assert expected.pretrain["cost"]["images_seen"] == STEPS * 32

    stop_at(stopped)
    with pytest.raises(KeyboardInterrupt):
        run_pretraining(_request(micro_workspace, recipe))
    assert _failure(micro_workspace, recipe)["kind"] == "interrupted"
    assert not micro_workspace.checkpoint_dir("micro", recipe.name).exists()
    stop_at(None)
    run_pretraining(_request(micro_workspace, recipe))
    found = _manifest(micro_workspace, recipe)
    assert not status_path(micro_workspace, "micro", recipe.name).exists()
    assert found.pretrain["cost"]["images_seen"] == STEPS * 32
    assert found.pretrain["cost"]["epochs"] == expected.pretrain["cost"]["epochs"]
    assert found.weights_sha256 == expected.weights_sha256  # to the bit

    kept = read(whole.configs, expected.pretrain["recipe_sha256"])
    assert kept is not None and kept["model"]["type"] == "MRCL"
    with np.load(whole.checkpoint_dir("micro", recipe.name) / "samples.npz") as stored:
        assert stored["original"].shape == stored["reconstructed"].shape == (8, 48, 48, 3)
        assert str(stored["weights"]) == expected.weights_sha256


def test_a_resumed_run_counts_the_time_before(
    micro_workspace: Workspace,
    micro_catalog: Catalog,
    stop_at: Stop,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recipe = micro_catalog.select_recipes("micro", ["simclr"])[0]
    monkeypatch.setattr("mrcl_bench.engine.capture.Stopwatch.seconds", 1000.0)
    stop_at(10)
    with pytest.raises(KeyboardInterrupt):
        run_pretraining(_request(micro_workspace, recipe))
    stop_at(None)
    run_pretraining(_request(micro_workspace, recipe))
    assert _manifest(micro_workspace, recipe).pretrain["cost"]["seconds"] == 2000.0


def test_the_same_seed_gives_the_same_weights(
    micro_workspace: Workspace, micro_catalog: Catalog, tmp_path: Path
) -> None:
    recipe = _variant(micro_catalog, tmp_path, "train_cfg = dict(max_iters=5)\n")
    hashes = []
    for name in ("a", "b"):
        workspace = Workspace(tmp_path / name)
        run_pretraining(_request(workspace, recipe))
        hashes.append(_manifest(workspace, recipe).weights_sha256)
    assert hashes[0] == hashes[1]


def test_a_changed_recipe_starts_anew(
    micro_workspace: Workspace, micro_catalog: Catalog, tmp_path: Path, stop_at: Stop
) -> None:
    recipe = _variant(micro_catalog, tmp_path, "")
    stop_at(8)
    with pytest.raises(KeyboardInterrupt):
        run_pretraining(_request(micro_workspace, recipe))
    recipe = _variant(micro_catalog, tmp_path, "model = dict(head=dict(temperature=0.3))\n")
    work_dir = micro_workspace.runs / "pretrain/micro" / recipe.name
    assert (work_dir / "last_checkpoint").exists()
    with pytest.raises(KeyboardInterrupt):  # step 8 comes again: it began at step 1
        run_pretraining(_request(micro_workspace, recipe))


def test_a_loss_that_is_not_finite_promotes_nothing(
    micro_workspace: Workspace, micro_catalog: Catalog, tmp_path: Path
) -> None:
    optimizer = 'dict(_delete_=True, type="SGD", lr=1e38, weight_decay=0.0)'
    text = f"optim_wrapper = dict(optimizer={optimizer})\n"
    recipe = _variant(micro_catalog, tmp_path, text)
    with pytest.raises(Diverged):
        run_pretraining(_request(micro_workspace, recipe))
    failure = _failure(micro_workspace, recipe)
    assert failure["kind"] == "diverged"
    folder = micro_workspace.checkpoint_dir("micro", recipe.name)
    assert not folder.exists() or not list(folder.iterdir())


def test_a_full_disk_keeps_the_checkpoint_before(
    micro_workspace: Workspace,
    micro_catalog: Catalog,
    untrained: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import errno

    recipe = micro_catalog.select_recipes("micro", ["random"])[0]
    folder = micro_workspace.checkpoint_dir("micro", recipe.name)
    shutil.copytree(untrained, folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            # the failure file goes through fsync as well; it may be lost, the weights may not
            run_pretraining(_request(micro_workspace, recipe))
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def test_missing_data_is_named(
    micro_workspace: Workspace,
    micro_catalog: Catalog,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("MRCL_BENCH_DATA", str(tmp_path / "nowhere"))
    recipe = micro_catalog.select_recipes("micro", ["mrcl"])[0]
    with pytest.raises(BenchError, match="stamps-micro"):
        run_pretraining(_request(micro_workspace, recipe))
    assert "stamps-micro" in _failure(micro_workspace, recipe)["message"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1])
def test_a_signal_to_a_worker_saves_within_one_step(
    micro_workspace: Workspace, micro_catalog: Catalog, tmp_path: Path, number: signal.Signals
) -> None:
    """The real signal to the real process: exit code, what is saved, then the run goes on."""
    text = (
        "train_cfg = dict(max_iters=420)\nparam_scheduler = None\n"
        "default_hooks = dict(checkpoint=dict(interval=1000))\n"  # the signal alone saves
    )
    recipe = _variant(micro_catalog, tmp_path / "configs", text)
    request = tmp_path / "request.json"
    request.write_text(_request(micro_workspace, recipe).model_dump_json())
    reader, writer = os.pipe()
    worker = subprocess.Popen(
        [sys.executable, "-m", "mrcl_bench.engine.worker", str(request)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(writer,),
        env={**os.environ, FD_VARIABLE: str(writer)},
    )
    os.close(writer)
    with open(reader) as progress:  # noqa: PTH123
        before = next(int(line.split("\t")[0]) for line in progress if line[0] in "3456789")
        worker.send_signal(number)
        after = [int(line.split("\t")[0]) for line in progress]
    assert worker.wait(timeout=30) == EXIT_RESUMABLE
    steps = [before, *after][-1]
    assert len(after) <= 2  # a step may have ended while the signal was on its way
    work_dir = micro_workspace.runs / "pretrain/micro" / recipe.name
    assert [path.name for path in work_dir.glob("*.pth")] == [f"iter_{steps}.pth"]
    assert not micro_workspace.checkpoint_dir("micro", recipe.name).exists()
    if number != signal.SIGTERM:
        return

    # Go on in this process, for three steps.
    seen: list[int] = []
    real = runtime.ProgressHook.after_train_iter

    def on(self: Any, runner: Any, *rest: Any, **more: Any) -> None:
        seen.append(runner.iter + 1)
        if len(seen) == 3:
            raise KeyboardInterrupt
        real(self, runner, *rest, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runtime.ProgressHook, "after_train_iter", on)
        with pytest.raises(KeyboardInterrupt):
            run_pretraining(_request(micro_workspace, recipe))
    assert seen[0] == steps + 1


def test_damaged_checkpoints_stop_a_run_or_cost_it_some_steps(
    micro_workspace: Workspace,
    micro_catalog: Catalog,
    tmp_path: Path,
    stop_at: Stop,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = "train_cfg = dict(max_iters=6)\ndefault_hooks = dict(checkpoint=dict(interval=2))\n"
    recipe = _variant(micro_catalog, tmp_path / "configs", text)
    whole = Workspace(tmp_path / "whole")
    run_pretraining(_request(whole, recipe))
    work_dir = micro_workspace.runs / "pretrain/micro" / recipe.name
    stop_at(5)
    with pytest.raises(KeyboardInterrupt):
        run_pretraining(_request(micro_workspace, recipe))
    newest, before = work_dir / "iter_4.pth", work_dir / "iter_2.pth"
    os.truncate(newest, newest.stat().st_size // 2)
    sound = before.read_bytes()
    os.truncate(before, 100)
    stop_at(None)
    with pytest.raises(BenchError, match="no training checkpoint"):
        run_pretraining(_request(micro_workspace, recipe))
    assert "no training checkpoint" in _failure(micro_workspace, recipe)["message"]
    assert not micro_workspace.checkpoint_dir("micro", recipe.name).exists()

    before.write_bytes(sound)  # put back by hand
    newest.write_bytes(b"half")
    run_pretraining(_request(micro_workspace, recipe))
    assert f"warning: passed over {newest}" in capsys.readouterr().err
    hashes = {_manifest(where, recipe).weights_sha256 for where in (whole, micro_workspace)}
    assert len(hashes) == 1
    assert not list(work_dir.glob("*.pth*"))
