"""Asks again, just before work begins, whether it is still to be done, and keeps others off it.

A plan is as old as its queue is long. Another command, another machine on the same file system or
a worker started by hand may have done a part of it since, in whatever batches.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock
from mmengine.dist import get_rank

from ..catalog import Catalog
from ..course import parts
from ..errors import BenchError
from ..jobs.evaluate import work_dir_of
from ..plan import Planner
from ..spec import Job
from ..workspace import Workspace
from .request import PATIENCE_SECONDS, Request
from .runtime import same_for_all

LOCK_NAME = ".job.lock"


class Claims:
    """What of a request is still to be done.

    Args:
        request: The worker's. With ``force`` all of it is to be done, whatever is there.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self._all = request.force or request.rehearsal is not None
        workspace = Workspace(request.root)
        self._planner = Planner(workspace, Catalog(), request.profile)
        self._folder = workspace.pretrain_run(request.profile, request.recipe.name)

    @contextlib.contextmanager
    def pretraining(self) -> Iterator[bool]:
        """While inside, no other worker trains this recipe; says whether it is still to be done.

        With several processes the first one asks for all.

        Raises:
            filelock.Timeout: Another worker is at it.
        """
        with self._held(self._folder):
            yield same_for_all(not self._pretraining_is_done())

    @contextlib.contextmanager
    def job(self, job: Job) -> Iterator[bool]:
        """The same for one of the request's jobs."""
        with self._held(work_dir_of(self._planner.workspace, job)):
            yield same_for_all(not self._job_is_done(job))

    def _held(self, folder: Path) -> contextlib.AbstractContextManager[object]:
        if get_rank() != 0 or self._request.rehearsal is not None:
            return contextlib.nullcontext()
        folder.mkdir(parents=True, exist_ok=True)
        return FileLock(folder / LOCK_NAME).acquire(PATIENCE_SECONDS)

    def _pretraining_is_done(self) -> bool:
        """Whether all checkpoints of the recipe are there, of this config, data and seed."""
        if self._all:
            return False
        recipe, seed = self._request.recipe, self._request.seed
        try:
            made = [recipe, *parts(recipe)]
            plan = self._planner.plan_for(made, [])
            manifests = [self._planner.manifest(one) for one in made]
        except BenchError:
            return False  # the work itself will tell
        return all(step.state == "done" for step in plan.pretrainings) and all(
            manifest is not None and manifest.pretrain.get("seed", 0) == seed
            for manifest in manifests
        )

    def _job_is_done(self, job: Job) -> bool:
        if self._all:
            return False
        try:
            plan = self._planner.plan_for([job.recipe], [job.protocol], [job.seed])
        except BenchError:
            return False
        return [step.state for step in plan.jobs] == ["done"]
