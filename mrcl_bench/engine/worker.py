"""The process that runs one request: ``python -m mrcl_bench.engine.worker REQUEST.json``."""

from __future__ import annotations

import signal
import sys
import traceback
from pathlib import Path
from types import FrameType

from ..errors import EXIT_FAILED, EXIT_RESUMABLE, BenchError
from .request import Request


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main(path: str) -> int:
    """Runs a request.

    Args:
        path: The request's JSON file.

    Returns:
        0 when all went well, `EXIT_FAILED` when a run failed (its record or ``failure.json``
        says why), `EXIT_RESUMABLE` after a signal.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    request = Request.model_validate_json(Path(path).read_text())
    from .runtime import prepare

    try:
        prepare(request.threads)
        if request.kind == "pretrain":
            from ..pretrain import run_pretraining

            run_pretraining(request)
            return 0
        from ..jobs.evaluate import run_evaluation

        return 0 if run_evaluation(request) else EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_RESUMABLE
    except BenchError as error:
        print(f"BenchError: {error}", file=sys.stderr)  # noqa: T201
        return EXIT_FAILED
    except Exception:
        traceback.print_exc()
        return EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
