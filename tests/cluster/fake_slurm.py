"""Slurm's commands as small scripts: what is in the queue stands in one file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

_SBATCH = """#!/bin/sh
cd {folder}
[ -e refuse ] && {{ echo "sbatch: error: Invalid partition" >&2; exit 1; }}
id=$(($(cat last) + 1)); echo $id > last
name=$(sed -n 's/^#SBATCH --job-name=//p' "$1")
last=$(sed -n 's/^#SBATCH --array=0-\\([0-9]*\\)%.*/\\1/p' "$1")
if [ -n "$last" ]; then
    for i in $(seq 0 $last); do echo "${{id}}_$i|PENDING|Resources|$name" >> queue; done
else
    echo "$id|PENDING|Resources|$name" >> queue
fi
sed -n 's/^#SBATCH //p' "$1" | tr '\\n' ' ' >> calls; echo >> calls
[ -e crash ] && kill -9 $PPID
echo "Submitted batch job $id"
"""
_SQUEUE = """#!/bin/sh
[ -e {folder}/down ] && {{ echo "Unable to contact slurm controller" >&2; exit 1; }}
cat {folder}/queue
"""
_SCANCEL = """#!/bin/sh
echo "$@" >> {folder}/cancelled
"""


class FakeSlurm:
    """A queue that only grows, or changes by hand."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        folder.mkdir()
        scripts = {"sbatch": _SBATCH, "squeue": _SQUEUE, "scancel": _SCANCEL, "srun": "#!/bin/sh\n"}
        for name, text in scripts.items():
            path = folder / name
            path.write_text(text.format(folder=folder))
            path.chmod(path.stat().st_mode | stat.S_IXUSR)
        (folder / "last").write_text("100\n")
        (folder / "queue").write_text("")
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    @property
    def calls(self) -> list[str]:
        """Options of each sbatch so far."""
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def queue(self) -> list[list[str]]:
        """Id, state, reason and name of each job."""
        return [line.split("|") for line in (self.folder / "queue").read_text().splitlines()]

    def put(self, slurm: str, state: str, reason: str = "None") -> None:
        """Changes one job's state."""
        lines = [[slurm, state, reason, row[3]] if row[0] == slurm else row for row in self.queue]
        (self.folder / "queue").write_text("".join("|".join(row) + "\n" for row in lines))

    def touch(self, name: str) -> None:
        """Lets sbatch refuse or crash its caller, or squeue be down."""
        (self.folder / name).touch()

    def mend(self, name: str) -> None:
        """Takes that away."""
        (self.folder / name).unlink()
