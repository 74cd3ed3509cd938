"""What was submitted: one small file per profile, written whole, under a lock."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from ..atomic import write_text
from ..errors import EXIT_LOCKED, BenchError
from ..profiles import Profile
from ..spec import Job
from ..workspace import Workspace
from .settings import StageName

_PATIENCE_SECONDS = 60.0


class Entry(BaseModel):
    """One unit that was handed to Slurm.

    Attributes:
        covers: What it makes: ``recipe`` or ``recipe/protocol/seedN``.
        stage: Its stage.
        title: A short name for people.
        folder: The unit's folder, relative to the workspace's runs.
        array: Token of the array that it went with; the job's name in Slurm holds it.
        index: Its place in that array.
        size: How many went with it. One alone is no array.
        slurm: Its id in Slurm (``123`` or ``123_4``); None until sbatch has answered.
        needs: Keys of entries that must have succeeded before.
        user: Number of the user who submitted it.
        submitted: When, UTC.
        ended: How Slurm says it ended, as soon as somebody asked.
    """

    model_config = ConfigDict(extra="forbid")

    covers: tuple[str, ...]
    stage: StageName
    title: str
    folder: str
    array: str
    index: int
    size: int
    slurm: str | None = None
    needs: tuple[str, ...] = ()
    user: int
    submitted: str
    ended: str = ""

    @property
    def key(self) -> str:
        """Its identity: no two entries share one."""
        return f"{self.array}-{self.index}"

    @property
    def name(self) -> str:
        """The job's name in Slurm; known before its id is."""
        return f"mrcl-bench.{self.array}"


_ENTRIES = TypeAdapter(list[Entry])


def job_name(job: Job) -> str:
    """How ledger, ``logs`` and ``cancel`` call a job."""
    return f"{job.recipe.name}/{job.protocol.name}/seed{job.seed}"


class Ledger:
    """The submitted units of one profile.

    Args:
        workspace: Where they work.
        profile: The profile.
    """

    def __init__(self, workspace: Workspace, profile: Profile) -> None:
        self.folder = workspace.runs / "slurm" / profile
        self.path = self.folder / "ledger.json"

    def read(self) -> list[Entry]:
        """All entries, the oldest first.

        Raises:
            BenchError: The file is damaged. To go on as if it were empty would submit twice.
        """
        try:
            return _ENTRIES.validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return []
        except (OSError, ValidationError) as error:
            first = str(error).splitlines()[0]
            raise BenchError(
                f"cannot read {self.path}: {first}.",
                "If none of its jobs is in Slurm's queue (squeue), delete it.",
            ) from None

    def write(self, entries: list[Entry]) -> None:
        """Writes all entries; only while `locked`."""
        plain = [entry.model_dump(mode="json") for entry in entries]
        write_text(self.path, json.dumps(plain, indent=0) + "\n")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """While inside, no other command changes the ledger or submits.

        Raises:
            BenchError: Another one does, and does not end.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / ".ledger.lock")
        try:
            with lock.acquire(timeout=_PATIENCE_SECONDS):
                yield
        except Timeout:
            raise BenchError(
                f"another mrcl-bench holds {lock.lock_file}.",
                "Wait for it or stop it; a dead one's lock frees itself.",
                EXIT_LOCKED,
            ) from None

    def request_file(self, entry: Entry) -> Path:
        """What an entry's worker is asked to do."""
        return self.folder / entry.array / f"request-{entry.index}.json"
