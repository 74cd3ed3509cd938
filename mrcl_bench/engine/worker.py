"""The process that runs one request: ``python -m mrcl_bench.engine.worker REQUEST.json``."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import (
    EXIT_DISK,
    EXIT_FAILED,
    EXIT_LOCKED,
    EXIT_MEMORY,
    EXIT_RESUMABLE,
    BenchError,
)
from .importing import importing
from .layout import follow_srun
from .orphan import watch_parent
from .request import PATIENCE_SECONDS, Request
from .state import kept
from .stop import STOP


def main(path: str) -> int:
    """Runs a request.

    Args:
        path: The request's JSON file.

    Returns:
        0 when all went well, `EXIT_FAILED` when a run failed (its record or ``failure.json``
        says why), `EXIT_MEMORY` and `EXIT_DISK` where memory or the disk ran out,
        `EXIT_RESUMABLE` after a signal.
    """
    STOP.listen()
    watch_parent()
    request = Request.model_validate_json(Path(path).read_text())
    lock = FileLock(Path(path).with_name(".worker.lock"))
    try:
        if request.launcher == "slurm":
            follow_srun()
        if os.environ.get("RANK", "0") != "0":  # torchrun: one process holds it for all
            return _run(request)
        lock.acquire(timeout=PATIENCE_SECONDS)
        with kept(Path(path).parent, request.title):
            return _run(request)
    except Timeout as error:
        print(f"BenchError: another worker holds {error.lock_file}.", file=sys.stderr)  # noqa: T201
        return EXIT_LOCKED
    except BenchError as error:
        print(f"BenchError: {error}", file=sys.stderr)  # noqa: T201
        return EXIT_FAILED
    except KeyboardInterrupt:
        return EXIT_RESUMABLE
    finally:
        lock.release()


def _run(request: Request) -> int:
    try:
        with importing():
            from ..resolve import load_spec
            from .runtime import join, prepare

        prepare(request.threads)
        from .claim import Claims

        claims = Claims(request)
        if request.launcher != "none":
            config = load_spec(request.jobs[0].protocol if request.jobs else request.recipe)
            join(config, request.launcher)  # the first process decides for all
        if request.kind == "pretrain":
            from ..pretrain import run_pretraining

            with claims.pretraining() as is_mine:
                if is_mine:
                    run_pretraining(request)
                else:
                    print("its checkpoint is there by now")  # noqa: T201
            return 0
        from ..jobs.evaluate import run_evaluation

        return 0 if run_evaluation(request, claims.job) else EXIT_FAILED
    except (KeyboardInterrupt, Timeout, BenchError):
        raise
    except Exception as error:
        traceback.print_exc()
        if STOP.requested:  # the same signal had taken a loader's process away first
            return EXIT_RESUMABLE
        from .capture import classify

        return {"memory": EXIT_MEMORY, "disk": EXIT_DISK}.get(classify(error).kind, EXIT_FAILED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
