"""The worker process: exit codes, and one line for a user's mistake."""

from __future__ import annotations

import errno
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

pytest.importorskip("mmpretrain")

from mrcl_bench import pretrain  # noqa: E402
from mrcl_bench.catalog import Catalog  # noqa: E402
from mrcl_bench.engine import claim, runtime, worker  # noqa: E402
from mrcl_bench.engine.request import Request  # noqa: E402
from mrcl_bench.engine.state import read_state  # noqa: E402
from mrcl_bench.engine.stop import SIGNALS, STOP  # noqa: E402
from mrcl_bench.errors import (  # noqa: E402
    EXIT_DISK,
    EXIT_FAILED,
    EXIT_LOCKED,
    EXIT_MEMORY,
    EXIT_RESUMABLE,
    BenchError,
)


@pytest.fixture(autouse=True)
def _own_signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
    STOP.requested = False


def _main(
    monkeypatch: pytest.MonkeyPatch,
    catalog: Catalog,
    root: Path,
    error: BaseException | None,
    work: Callable[[Request], None] | None = None,
) -> int:
    def run(request: Request) -> None:
        if error is not None:
            raise error

    monkeypatch.setattr(pretrain, "run_pretraining", work or run)
    monkeypatch.setattr(runtime, "prepare", lambda threads: None)
    recipe = catalog.select_recipes("micro", ["mrcl"])[0]
    request = Request(kind="pretrain", profile="micro", recipe=recipe, root=root)
    path = root / "request.json"
    path.write_text(request.model_dump_json())
    return worker.main(str(path))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (None, 0),
        (KeyboardInterrupt(), EXIT_RESUMABLE),
        (BenchError("data is missing.", "Make it."), EXIT_FAILED),
        (RuntimeError("defect"), EXIT_FAILED),
        (MemoryError(), EXIT_MEMORY),
        (OSError(errno.ENOSPC, "No space left on device"), EXIT_DISK),
    ],
)
def test_exit_codes(
    monkeypatch: pytest.MonkeyPatch,
    micro_catalog: Catalog,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    error: Any,
    code: int,
) -> None:
    assert _main(monkeypatch, micro_catalog, tmp_path, error) == code
    shown = capsys.readouterr().err
    assert ("Traceback" in shown) == isinstance(error, RuntimeError | MemoryError | OSError)
    if isinstance(error, BenchError):
        assert shown.strip() == "BenchError: data is missing. Make it."


def test_a_loader_that_the_same_signal_took_away(
    monkeypatch: pytest.MonkeyPatch, micro_catalog: Catalog, tmp_path: Path
) -> None:
    STOP.requested = True
    error = RuntimeError("DataLoader worker (pid 7) is killed by signal: Terminated. ")
    assert _main(monkeypatch, micro_catalog, tmp_path, error) == EXIT_RESUMABLE


def test_a_second_worker_on_the_same_request_waits_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
    micro_catalog: Catalog,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(worker, "PATIENCE_SECONDS", 0.1)
    with FileLock(tmp_path / ".worker.lock"):
        assert _main(monkeypatch, micro_catalog, tmp_path, None) == EXIT_LOCKED
    assert "another worker" in capsys.readouterr().err
    assert _main(monkeypatch, micro_catalog, tmp_path, None) == 0


def test_another_worker_on_the_same_pretraining_from_another_folder(
    monkeypatch: pytest.MonkeyPatch,
    micro_catalog: Catalog,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(claim, "PATIENCE_SECONDS", 0.1)
    recipe = micro_catalog.select_recipes("micro", ["mrcl"])[0]
    folder = tmp_path / "results/runs/pretrain/micro" / recipe.name
    folder.mkdir(parents=True)
    with FileLock(folder / claim.LOCK_NAME):
        assert _main(monkeypatch, micro_catalog, tmp_path, None) == EXIT_LOCKED
    assert "another worker" in capsys.readouterr().err
    assert not (tmp_path / "state.json").exists()


def test_the_state_is_there_while_it_works(
    monkeypatch: pytest.MonkeyPatch, micro_catalog: Catalog, tmp_path: Path
) -> None:
    seen = []

    def run(request: Request) -> None:
        seen.append(read_state(tmp_path))
        raise KeyboardInterrupt

    assert _main(monkeypatch, micro_catalog, tmp_path, None, run) == EXIT_RESUMABLE
    assert seen[0] is not None and seen[0].title == "pretrain MRCL"
    assert read_state(tmp_path) is None
