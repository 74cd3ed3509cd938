"""The environment of the peers: ``.venv-bench``, which also sees what the harness runs with.

torch, torchvision, mmpretrain, pycocotools and scikit-learn are the harness's own, so that all are
measured on the same ones; what else ``peers.txt`` names is installed there, not beside the harness.
"""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv-bench"
WANTED = Path(__file__).with_name("peers.txt")
_STAMP = "peers.done"
_MISSING = "MRCL_BENCH_PEERS_MISSING"


def prepare(folder: Path = FOLDER, wanted: Path = WANTED) -> tuple[Path, str]:
    """Makes the environment, or finds it made.

    Args:
        folder: Where it lies.
        wanted: Requirements to install.

    Returns:
        The interpreter to measure with; why it is only the present one, or nothing.
    """
    python, stamp = folder / "bin" / "python", folder / _STAMP
    made_from = "\n".join([sys.prefix, sys.version, wanted.read_text()])
    if stamp.exists() and stamp.read_text() == made_from:
        return python, ""
    shutil.rmtree(folder, ignore_errors=True)
    own = [path for path in site.getsitepackages() if Path(path).is_dir()]
    link = "import site; " + "; ".join(f"site.addsitedir({path!r})" for path in own)
    pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "-q"]
    try:
        _run([sys.executable, "-m", "venv", str(folder)])
        for packages in (folder / "lib").glob("python*/site-packages"):
            (packages / "harness.pth").write_text(link + "\n")
        _run([*pip, "-r", str(wanted)])
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", "") or str(error)).strip().splitlines() or ["?"]
        return Path(sys.executable), f"{folder.name} could not be made: {said[-1][:200]}"
    stamp.write_text(made_from)
    return python, ""


def reason() -> str:
    """Why peers cannot be imported, for `Measurement.skipped`."""
    return os.environ.get(_MISSING) or f"not in the environment: {sys.prefix}"


def environment(missing: str) -> dict[str, str]:
    """Returns the environment variables of a part's process.

    Args:
        missing: What `prepare` said.
    """
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    own = {"PYTHONPATH": os.pathsep.join(paths), _MISSING: missing}
    return {"OMP_NUM_THREADS": "1", **os.environ, **own}


def _run(command: list[str]) -> None:
    # a registry that is not there is tried again and again, for minutes
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=900, cwd=ROOT)
