"""A real Slurm on one machine for a test: own key, ports and folders, and nothing left behind."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol", "scancel")
_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
_CONFIG = """
ClusterName=test
SlurmctldHost={host}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_min_interval=0
SchedulerType=sched/backfill
PriorityType=priority/basic
JobCompType=jobcomp/none
AccountingStorageType=accounting_storage/none
SlurmctldPort={controller}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
ReturnToService=2
KillWait=20
MinJobAge=300
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
"""


def missing() -> list[str]:
    """Programs of Slurm and munge that this machine has not."""
    return [name for name in PROGRAMS if shutil.which(name, path=_PATH) is None]


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


class LocalSlurm:
    """Munge, a controller and nodes, all of this user's.

    Args:
        folder: Where everything of theirs lies; its path must be short (it holds a socket).
        nodes: How many nodes, all of them this machine.
        cpus: Cores that each node pretends to have.
    """

    def __init__(self, folder: Path, nodes: int = 1, cpus: int = 2) -> None:
        self.folder = folder
        self.config = folder / "slurm.conf"
        self.nodes = [f"node{number}" for number in range(nodes)]
        self._cpus = cpus
        self._pids: list[Path] = []

    @property
    def environment(self) -> dict[str, str]:
        """What commands need to find this Slurm and no other."""
        return {"SLURM_CONF": str(self.config), "PATH": _PATH}

    def start(self) -> None:
        """Starts the daemons and waits until the nodes are idle."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        (self.folder / "state").mkdir(exist_ok=True)
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        host = socket.gethostname()
        controller, *ports = _free_ports(1 + len(self.nodes))
        text = _CONFIG.format(
            host=host, user=getpass.getuser(), folder=self.folder, controller=controller
        )
        for name, port in zip(self.nodes, ports, strict=True):
            text += f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} "
            text += f"CPUs={self._cpus} RealMemory=1000\n"
        self.config.write_text(text)
        self._daemon(
            "munged.pid",
            *("munged", "--force", "--num-threads=2", f"--key-file={key}"),
            f"--socket={self.folder}/munge.socket",
            f"--pid-file={self.folder}/munged.pid",
            f"--log-file={self.folder}/munged.log",
            f"--seed-file={self.folder}/munged.seed",
        )
        self._daemon("slurmctld.pid", "slurmctld", "-f", str(self.config))
        for name in self.nodes:
            self._daemon(f"slurmd-{name}.pid", "slurmd", "-f", str(self.config), "-N", name)
        self._await_idle()

    def _daemon(self, pid_file: str, *command: str) -> None:
        self._pids.append(self.folder / pid_file)
        done = subprocess.run(
            command,
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr}{self.logs()}")

    def _await_idle(self) -> None:
        deadline = time.monotonic() + 30
        shown = ("sinfo", "-h", "-N", "-o", "%T")
        while (said := self.call(*shown, check=False)).split() != ["idle"] * len(self.nodes):
            if time.monotonic() > deadline:
                raise RuntimeError(f"the nodes do not come up: {said}{self.logs()}")
            time.sleep(0.2)

    def call(self, *command: str, check: bool = True) -> str:
        """Runs a command of Slurm's and returns what it prints."""
        done = subprocess.run(
            command,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=60,
        )
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
        return done.stdout

    def logs(self) -> str:
        """The last lines of the daemons."""
        parts = []
        for path in sorted(self.folder.glob("*.log")):
            parts.append(f"\n--- {path.name}\n{path.read_text(errors='replace')[-1500:]}")
        return "".join(parts)

    def stop(self) -> None:
        """Cancels all jobs and stops the daemons, by the ids that they wrote down."""
        with contextlib.suppress(Exception):
            self.call("scancel", "--full", "--signal=KILL", "--user", getpass.getuser())
            self.call("scancel", "--user", getpass.getuser())
            deadline = time.monotonic() + 20
            while self.call("squeue", "-h").strip() and time.monotonic() < deadline:
                time.sleep(0.2)
        for path in reversed(self._pids):
            with contextlib.suppress(OSError, ValueError):
                _end(int(path.read_text()))


def _end(pid: int) -> None:
    for number, patience in ((signal.SIGTERM, 15.0), (signal.SIGKILL, 5.0)):
        os.kill(pid, number)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if not _alive(pid):
                return
            time.sleep(0.1)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
