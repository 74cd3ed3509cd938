"""Looks over the environment; every problem comes with its cure."""

from __future__ import annotations

import importlib
import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata, util
from typing import Literal

from .data.locate import require
from .errors import BenchError
from .workspace import Workspace

_TRAINING = {
    "torch": "torch",
    "torchvision": "torchvision",
    "mmengine": "onedl-mmengine",
    "mmcv": "onedl-mmcv",
    "mmpretrain": "onedl-mmpretrain",
    "mmdet": "onedl-mmdetection",
    "mmseg": "onedl-mmsegmentation",
    "timm": "timm",
    "numba": "numba",
    "simplejpeg": "simplejpeg",
    "safetensors": "safetensors",
    "sklearn": "scikit-learn",
}
_RIVALS = ("mmcv", "mmcv-full", "mmengine", "mmdet", "mmsegmentation", "mmpretrain")
_DATA_CURES = {"stamps": "mrcl-bench data stamps", "fashion-mnist": "mrcl-bench data fashion-mnist"}
_NEEDED_GB = 10


@dataclass(frozen=True)
class Finding:
    """One thing looked at; ``bad`` stops training, ``note`` is worth knowing."""

    level: Literal["ok", "note", "bad"]
    what: str
    cure: str = ""


def examine() -> Iterator[Finding]:
    """Yields findings one by one, cheap ones first."""
    yield Finding("ok", f"Python {platform.python_version()}")
    yield from _packages()
    yield from _operators()
    yield from _disk()
    yield from _data()


def _packages() -> Iterator[Finding]:
    for module, distribution in _TRAINING.items():
        if util.find_spec(module) is None:
            yield Finding("bad", f"{distribution} is not installed", "make setup")
            continue
        try:
            yield Finding("ok", f"{distribution} {metadata.version(distribution)}")
        except metadata.PackageNotFoundError:
            yield Finding(
                "bad",
                f"{module} is there, but not from {distribution}",
                f"pip uninstall {module}, then make setup: both kinds side by side break",
            )
    for rival in _RIVALS:
        try:
            version = metadata.version(rival)
        except metadata.PackageNotFoundError:
            continue
        yield Finding(
            "bad", f"{rival} {version} shadows the maintained package", f"pip uninstall {rival}"
        )


def _operators() -> Iterator[Finding]:
    if util.find_spec("torch") is None:
        return
    torch = importlib.import_module("torch")
    if torch.cuda.is_available():
        yield Finding(
            "ok", f"device: {torch.cuda.get_device_name(0)} x {torch.cuda.device_count()}"
        )
    else:
        yield Finding("note", "device: CPU (no GPU seen); profiles tiny and small are made for it")
    if util.find_spec("mmcv") is None:
        return
    try:
        importlib.import_module("mmcv._ext")
        yield Finding("ok", "mmcv's compiled operators import")
    except ImportError as error:
        yield Finding(
            "bad",
            f"mmcv has no working operators ({str(error)[:80]})",
            "built without or for another torch: delete .venv and run make setup",
        )


def _disk() -> Iterator[Finding]:
    workspace = Workspace.current()
    free = shutil.disk_usage(workspace.root).free / 1e9
    if free < _NEEDED_GB:
        yield Finding(
            "bad",
            f"{free:.1f} GB free at {workspace.root}",
            f"free {_NEEDED_GB} GB, or set MRCL_BENCH_ROOT to a larger disk",
        )
    else:
        yield Finding("ok", f"{free:.0f} GB free at {workspace.root}")


def _data() -> Iterator[Finding]:
    workspace = Workspace.current()
    for data_id, command in _DATA_CURES.items():
        try:
            found = require(data_id, workspace.data)
        except BenchError as error:
            yield Finding("note", error.what, command)
            continue
        if found.shapes_fallback:
            yield Finding(
                "note",
                f"data {data_id}: drawn shapes stand in for photographs",
                f"{command} --force",
            )
        else:
            yield Finding("ok", f"data {data_id} at {found.path}")
    for data_id in ("imagenet", "coco", "ade20k"):
        try:
            found = require(data_id, workspace.data)
            yield Finding("ok", f"data {data_id} at {found.path}")
        except BenchError as error:
            yield Finding("note", f"{error.what} (needed for PROFILE=paper only)")
