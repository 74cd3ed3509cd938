"""The worker process: exit codes, and one line for a user's mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mmpretrain")

from mrcl_bench import pretrain  # noqa: E402
from mrcl_bench.catalog import Catalog  # noqa: E402
from mrcl_bench.engine import runtime, worker  # noqa: E402
from mrcl_bench.engine.request import Request  # noqa: E402
from mrcl_bench.errors import EXIT_FAILED, EXIT_RESUMABLE, BenchError  # noqa: E402


def _main(
    monkeypatch: pytest.MonkeyPatch, catalog: Catalog, root: Path, error: BaseException | None
) -> int:
    def run(request: Request) -> None:
        if error is not None:
            raise error

    monkeypatch.setattr(pretrain, "run_pretraining", run)
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
    import signal

    before = signal.getsignal(signal.SIGTERM)
    try:
        assert _main(monkeypatch, micro_catalog, tmp_path, error) == code
    finally:
        signal.signal(signal.SIGTERM, before)
    shown = capsys.readouterr().err
    assert ("Traceback" in shown) == isinstance(error, RuntimeError)
    if isinstance(error, BenchError):
        assert shown.strip() == "BenchError: data is missing. Make it."
