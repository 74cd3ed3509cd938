"""How many processes a job gets, where, and the command lines that start them."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ..errors import EXIT_USAGE, BenchError, unknown_name

Launcher = Literal["none", "pytorch", "slurm"]
LAUNCHERS = ("none", "pytorch", "slurm")
_WORKER = ["-m", "mrcl_bench.engine.worker"]
_ALLOCATION = "SLURM_JOB_ID"


class Layout(BaseModel):
    """Processes of a pretraining or of a trained job.

    Attributes:
        launcher: ``none`` for a plain process; ``pytorch`` for torchrun; ``slurm`` for srun.
        gpus: Processes per node, one to a GPU where there are any; 0 for a plain process.
        nodes: Machines.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    launcher: Launcher = "none"
    gpus: int = Field(default=0, ge=0)
    nodes: int = Field(default=1, ge=1)

    @property
    def processes(self) -> int:
        """All of them."""
        return max(1, self.gpus) * self.nodes

    @property
    def by_srun(self) -> bool:
        """Whether srun starts the processes, on machines of which this may be none."""
        return self.launcher == "slurm" or self.nodes > 1

    @property
    def options(self) -> str:
        """What to type for it, with a space in front; empty for a plain process."""
        if self.launcher == "none":
            return ""
        nodes = f" --nodes {self.nodes}" if self.nodes > 1 else ""
        return f" --launcher {self.launcher} --gpus {self.gpus}{nodes}"

    def command(self, request_file: Path, rendezvous: str = "") -> list[str]:
        """The command line of a worker.

        Args:
            request_file: Its request.
            rendezvous: ``HOST:PORT`` of the first node where several meet under torchrun.
        """
        worker = [*_WORKER, str(request_file)]
        # -P: a folder called mrcl_bench in the current directory must not stand in for ours.
        if self.launcher == "none":
            return [sys.executable, "-P", *worker]
        if self.launcher == "slurm":
            return [*self._srun(self.gpus), sys.executable, "-P", *worker]
        if self.nodes > 1:
            agent = self.agent(rendezvous, _name(request_file))
            return [*self._srun(1), sys.executable, *agent, *worker]
        run = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={self.gpus}"]
        return [sys.executable, *run, *worker]

    def agent(self, rendezvous: str, name: str) -> list[str]:
        """The part of a command line with which torchrun starts a node's processes.

        Args:
            rendezvous: ``HOST:PORT`` of the first node.
            name: What tells jobs apart that meet there.
        """
        return [
            *("-m", "torch.distributed.run", f"--nnodes={self.nodes}"),
            *(f"--nproc-per-node={self.gpus}", "--rdzv-backend=c10d", f"--rdzv-id={name}"),
            f"--rdzv-endpoint={rendezvous}",
        ]

    def by_hand(self, request_file: Path) -> str:
        """What to type on every node where there is no srun."""
        if self.launcher == "none":
            return shlex.join(["python", *_WORKER, str(request_file)]) + "  # on one node"
        agent = self.agent("HOST:29500", _name(request_file))
        return shlex.join(["python", *agent, *_WORKER, str(request_file)])

    def _srun(self, per_node: int) -> list[str]:
        return [
            *("srun", f"--nodes={self.nodes}", f"--ntasks={self.nodes * per_node}"),
            *(f"--ntasks-per-node={per_node}", "--kill-on-bad-exit=1", "--cpu-bind=none"),
        ]


def _name(request_file: Path) -> str:
    return "-".join(request_file.parent.parts[-4:])


PLAIN = Layout()
"""One process."""


def layout_of(launcher: str, gpus: int, nodes: int = 1) -> Layout:
    """Checks ``--launcher``, ``--gpus`` and ``--nodes`` against each other.

    Raises:
        BenchError: The launcher is not known, or they do not fit together.
    """
    if launcher not in LAUNCHERS:
        raise unknown_name("launcher", launcher, LAUNCHERS)
    if (launcher != "none") != (gpus > 0):
        raise BenchError(
            "--launcher pytorch (or slurm) and --gpus N go together.",
            "For eight GPUs: --launcher pytorch --gpus 8.",
            EXIT_USAGE,
        )
    if nodes > 1 and launcher == "none":
        raise BenchError(
            "--nodes needs a launcher.",
            "For four nodes of eight GPUs: --launcher slurm --gpus 8 --nodes 4.",
            EXIT_USAGE,
        )
    return Layout(launcher=launcher, gpus=gpus, nodes=nodes)  # type: ignore[arg-type]


def refuse_sharding(config: Any, name: str) -> None:
    """Refuses a config whose network is to be sharded over processes; docs/cluster.md says why.

    Raises:
        BenchError: Its ``model_wrapper_cfg`` is not one of DDP.
    """
    wrapper = str((config.get("model_wrapper_cfg") or {}).get("type", "MMDistributedDataParallel"))
    if not wrapper.endswith("DistributedDataParallel"):
        raise BenchError(
            f"{name}: model_wrapper_cfg asks for {wrapper}, and only DDP works here: mmengine's "
            "Runner initialises and saves a network as if every process had all of it.",
            "Take model_wrapper_cfg out; where memory is short: activation_checkpointing, a "
            "smaller batch per process, AmpOptimWrapper.",
            EXIT_USAGE,
        )


def allocation(environ: Mapping[str, str] = os.environ) -> str | None:
    """Where to meet: the first node of the Slurm allocation that this process is in.

    Returns:
        Its address as Slurm knows it, which need not be its name; None outside of an allocation.
    """
    if _ALLOCATION not in environ:
        return None
    nodes = environ.get("SLURM_STEP_NODELIST") or environ.get("SLURM_JOB_NODELIST", "")
    try:
        first = _scontrol("hostnames", nodes).split()[0]
        address = re.search(r"\bNodeAddr=(\S+)", _scontrol("node", first))
    except (OSError, IndexError, subprocess.CalledProcessError):
        return socket.gethostname()
    return address[1] if address else first


def _scontrol(*what: str) -> str:
    command = ["scontrol", "show", *what]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def free_port() -> int:
    """A port that is free here now."""
    with socket.socket() as one:
        one.bind(("", 0))
        return int(one.getsockname()[1])


def follow_srun() -> None:
    """Gives a process that srun started the variables that torchrun would have given it.

    What only the first process of a job does is decided by ``RANK``. Does nothing where it is set.
    """
    if "RANK" in os.environ and "WORLD_SIZE" in os.environ:
        return
    told = {
        "RANK": "SLURM_PROCID",
        "LOCAL_RANK": "SLURM_LOCALID",
        "WORLD_SIZE": "SLURM_STEP_NUM_TASKS",
    }
    missing = [source for source in told.values() if source not in os.environ]
    if missing:
        raise BenchError(
            f"launcher slurm, but srun did not start this process ({', '.join(missing)} not set).",
            "Start it with srun, inside an allocation.",
            EXIT_USAGE,
        )
    for name, source in told.items():
        os.environ[name] = os.environ[source]
    if "MASTER_ADDR" not in os.environ:
        os.environ["MASTER_ADDR"] = allocation() or socket.gethostname()
    os.environ.setdefault("MASTER_PORT", "29500")
