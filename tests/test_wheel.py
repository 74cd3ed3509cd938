"""The wheel: configs are in it, and it compares records where there is neither torch nor mm."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from .factories import example, save

ROOT = Path(__file__).parent.parent
TRAINING_ONLY = (
    "torch torchvision mmengine mmcv mmpretrain mmdet mmseg timm sklearn cv2 safetensors "
    "psutil tensorboard"
).split()
PREAMBLE = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in {TRAINING_ONLY!r}:
            raise ModuleNotFoundError('No module named ' + repr(name), name=name)
sys.meta_path.insert(0, Absent())
import mrcl_bench
assert mrcl_bench.__file__.startswith(sys.argv[1]), mrcl_bench.__file__
"""


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's content, as pip would lay it out."""
    pytest.importorskip("hatchling")
    out = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = out.glob("mrcl_bench-*.whl")
    folder = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def _python(unpacked: Path, cwd: Path, code: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if k != "PROFILE" and "MRCL_BENCH" not in k}
    return subprocess.run(
        [sys.executable, "-c", PREAMBLE + code, str(unpacked)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**kept, "PYTHONPATH": str(unpacked), "COLUMNS": "200"},
    )


def _command(unpacked: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = (
        f"sys.argv = ['mrcl-bench', *{list(arguments)!r}]\n"
        "from mrcl_bench.cli.main import main\nmain()"
    )
    return _python(unpacked, cwd, code)


def test_it_carries_all_configs(unpacked: Path) -> None:
    shipped = {p.relative_to(ROOT / "mm_configs") for p in (ROOT / "mm_configs").rglob("*.py")}
    carried = {
        path.relative_to(unpacked / "mrcl_bench/mm_configs")
        for path in (unpacked / "mrcl_bench/mm_configs").rglob("*.py")
    }
    assert carried == shipped
    assert len(carried) > 20


def test_it_carries_the_package_and_nothing_else(unpacked: Path) -> None:
    tops = {path.name.split("-")[0] for path in unpacked.iterdir()}
    assert tops == {"mrcl_bench"}
    modules = {path.relative_to(ROOT) for path in (ROOT / "mrcl_bench").rglob("*.py")}
    carried = {path.relative_to(unpacked) for path in unpacked.rglob("*.py")}
    assert {m for m in carried if "mm_configs" not in m.parts} == modules
    (metadata,) = unpacked.glob("*.dist-info/METADATA")
    text = metadata.read_text()
    core = [line for line in text.splitlines() if line.startswith("Requires-Dist:")]
    assert not any("torch" in line and "extra ==" not in line for line in core)
    (entry,) = unpacked.glob("*.dist-info/entry_points.txt")
    assert "mrcl-bench = mrcl_bench.cli.main:main" in entry.read_text()


def test_core_modules_need_no_training_stack(unpacked: Path, tmp_path: Path) -> None:
    modules = (
        "record compare report cli.main catalog plan run spec errors workspace metrics doctor "
        "resolve data.locate convert.manifest engine.launch"
    ).split()
    code = f"import importlib\nfor name in {modules!r}: importlib.import_module('mrcl_bench.'+name)"
    done = _python(unpacked, tmp_path, code)
    assert done.returncode == 0, done.stderr


def test_it_finds_its_recipes_outside_the_checkout(unpacked: Path, tmp_path: Path) -> None:
    done = _command(unpacked, tmp_path, "plan", "--profile", "tiny")
    assert done.returncode == 0, done.stderr
    assert "mrcl_" in done.stdout
    assert "linear" in done.stdout


def test_it_compares_without_torch(unpacked: Path, tmp_path: Path) -> None:
    save(tmp_path, *example())
    done = _command(unpacked, tmp_path, "compare")
    assert done.returncode == 0, done.stderr
    assert "MRCL" in done.stdout
    assert list((tmp_path / "results/tables/tiny").iterdir())
    done = _command(unpacked, tmp_path, "ls")
    assert done.returncode == 0, done.stderr
    done = _command(unpacked, tmp_path, "report")  # its template, style and script are in the wheel
    assert done.returncode == 0, done.stderr
    assert "<style>:root" in (tmp_path / "results/report.html").read_text()
    done = _command(unpacked, tmp_path, "explain", "mrcl", "linear")
    assert done.returncode == 0, done.stderr


def test_what_needs_the_training_stack_says_so(unpacked: Path, tmp_path: Path) -> None:
    (tmp_path / "raw.pth").write_bytes(b"x")
    done = _command(unpacked, tmp_path, "convert", "raw.pth", "--out", "out")
    assert done.returncode != 0
    assert "Traceback" not in done.stderr, done.stderr[-500:]
    assert "mrcl-bench[mm]" in done.stderr
