"""Fetches Debian packages as plain files: no root, no installation, checked by sha256."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from mrcl_bench.atomic import sha256_file
from mrcl_bench.errors import BenchError

_TIMEOUT_S = 900


@dataclass(frozen=True)
class Pin:
    """The package that the published numbers were made with."""

    name: str
    version: str
    sha256: str


STAMPS = Pin(
    "tuxpaint-stamps-default",
    "2022.06.04-1",
    "6db6c1bfc870a47f1499d6203b083522eacb57c5f9c87d468f2e92eb6d9d5f34",
)
PLASMA = Pin(
    "plasma-workspace-wallpapers",
    "4:5.27.5-2",
    "32cd18b71c8c938a18b3b351f217c02ac590e323caa3cf322fbb875ce8892f8b",
)
MATE = Pin(
    "mate-backgrounds",
    "1.26.0-1",
    "7bf4c2209f34b4f61ba6d24c8b58c28b361e82e4b943aae6d42c030169af9e04",
)
LOMIRI = Pin(
    "lomiri-wallpapers-16.04",
    "20.04.0-2",
    "a99ff6a3bfe451e4cc0682ecb3cc82e71740626d59e4845ae34a0a0e45421eab",
)
FASHION_MNIST = Pin(
    "dataset-fashion-mnist",
    "0.0~git20200523.55506a9-1",
    "39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0",
)


@dataclass(frozen=True)
class Package:
    """A package file that lies in the cache.

    Attributes:
        name: Package name.
        version: Version of the file, from its name.
        sha256: Of the ``.deb`` file.
        pinned: Whether the file is the pinned one.
        deb: The file.
    """

    name: str
    version: str
    sha256: str
    pinned: bool
    deb: Path


def available() -> bool:
    """Says whether ``apt-get`` and ``dpkg-deb`` are there."""
    return shutil.which("apt-get") is not None and shutil.which("dpkg-deb") is not None


def fetch(pin: Pin, cache: Path) -> Package:
    """Returns a package file from the cache, downloading it where it is missing.

    A cached file that claims the pinned version but has other bytes is
    thrown away and fetched again. A version other than the pinned one is
    accepted and says so in ``pinned``.

    Args:
        pin: What is wanted.
        cache: Folder of the ``.deb`` files; made where missing.

    Raises:
        BenchError: Nothing could be downloaded, what came is damaged, or the
            cache cannot be written to.
    """
    try:
        return _fetch(pin, cache)
    except OSError as error:
        raise BenchError(
            f"cannot keep {pin.name} in {cache}: {error.strerror}.",
            "Make room there, or set MRCL_BENCH_DATA to a folder that can be written to.",
        ) from error


def _fetch(pin: Pin, cache: Path) -> Package:
    cache.mkdir(parents=True, exist_ok=True)
    found = sorted(cache.glob(f"{pin.name}_*.deb"))
    for deb in found:
        package = _describe(pin, deb)
        if package.pinned or package.version != pin.version:
            return package
        deb.unlink()
    package = _describe(pin, _download(pin, cache))
    if package.version == pin.version and not package.pinned:
        package.deb.unlink(missing_ok=True)
        raise BenchError(
            f"{pin.name} {pin.version} arrived with sha256 {package.sha256[:12]}, "
            f"expected {pin.sha256[:12]}.",
            "Check the mirror in /etc/apt/sources.list and try again.",
        )
    return package


@contextmanager
def unpacked(package: Package) -> Iterator[Path]:
    """Unpacks a package for the length of a ``with`` block, without root.

    Yields:
        The folder that stands for ``/``.

    Raises:
        BenchError: ``dpkg-deb`` is missing or refuses the file.
    """
    # The unpacked art is twice as large as the package and needed for
    # seconds only, so the cache keeps the package alone.
    with tempfile.TemporaryDirectory(
        dir=package.deb.parent, prefix=f".{package.name}.", ignore_cleanup_errors=True
    ) as name:
        done = _run(["dpkg-deb", "-x", str(package.deb), name], package.deb.parent)
        if done.returncode != 0:
            package.deb.unlink(missing_ok=True)
            raise BenchError(
                f"{package.deb.name} cannot be unpacked: {_last_line(done)}",
                "The file was removed from the cache; the same command fetches it again.",
            )
        yield Path(name)


def _describe(pin: Pin, deb: Path) -> Package:
    """Reads version and sha256 of a package file."""
    version = unquote(deb.name.removeprefix(f"{pin.name}_").rsplit("_", 1)[0])
    sha256 = sha256_file(deb)
    return Package(pin.name, version, sha256, sha256 == pin.sha256, deb)


def _download(pin: Pin, cache: Path) -> Path:
    """Downloads into a folder of its own, then moves the file into the cache."""
    cure = f"Check the network, or try by hand: apt-get download {pin.name}"
    with tempfile.TemporaryDirectory(dir=cache, prefix=".download.") as name:
        folder = Path(name)
        done = _apt_get(pin, folder)
        if done.returncode != 0 and _is_unknown(done) and os.geteuid() == 0:
            _run(["apt-get", "-q", "update"], folder)  # a fresh image has no package lists
            done = _apt_get(pin, folder)
        files = sorted(folder.glob("*.deb"))
        if done.returncode != 0 or not files:
            if _is_unknown(done):
                cure = f"Run 'apt-get update' as root, then: apt-get download {pin.name}"
            raise BenchError(f"cannot download {pin.name}: {_last_line(done)}", cure)
        target = cache / files[0].name
        files[0].replace(target)
        return target


def _apt_get(pin: Pin, folder: Path) -> subprocess.CompletedProcess[str]:
    """Downloads the pinned version, or whatever apt has where that one is gone."""
    # As root apt drops to the user _apt, who may not write here, and warns
    # about it; naming root as the sandbox user says that this is wanted.
    base = ["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download"]
    done = _run([*base, f"{pin.name}={pin.version}"], folder)
    if done.returncode != 0 and "was not found" in done.stderr:
        done = _run([*base, pin.name], folder)
    return done


def _is_unknown(done: subprocess.CompletedProcess[str]) -> bool:
    """Says whether apt does not know the package (rather than, say, the network is down)."""
    return any(
        text in done.stderr
        for text in ("Unable to locate", "Can't find", "Can't select", "no installation candidate")
    )


def _last_line(done: subprocess.CompletedProcess[str]) -> str:
    """Returns the last error line of a program, without apt's ``E:``."""
    lines = [line for line in done.stderr.splitlines() if line.startswith("E:")]
    lines = lines or done.stderr.splitlines() or [f"exit code {done.returncode}"]
    return lines[-1].removeprefix("E:").strip()


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs a program quietly in a folder, in English."""
    if shutil.which(command[0]) is None:
        raise BenchError(
            f"{command[0]} is not on this machine.",
            "Use Debian or Ubuntu, or take drawn shapes: mrcl-bench data stamps --source shapes",
        )
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BenchError(
            f"{' '.join(command[:1])} did not answer within {_TIMEOUT_S} s.",
            "Check the network and try again.",
        ) from error
