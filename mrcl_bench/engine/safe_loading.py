"""Makes OpenMMLab's own loading go through ours, which never runs code from a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ..checkpoint import load_checkpoint
from ..errors import BenchError


def _load(filename: str, map_location: Any = None, **_: Any) -> Any:
    content = load_checkpoint(Path(filename).expanduser())
    return content if map_location in (None, "cpu") else _moved(content, map_location)


def _moved(value: Any, device: Any) -> Any:
    import torch

    if isinstance(value, torch.Tensor):
        return device(value, "cpu") if callable(device) else value.to(device)
    if isinstance(value, dict):
        for key in value:
            value[key] = _moved(value[key], device)
        return value
    if isinstance(value, list):
        return [_moved(entry, device) for entry in value]
    return value


def _refuse(filename: str, *_: Any, **__: Any) -> Any:
    raise BenchError(
        f"refused {filename}: weights come from a file whose hash can be checked.",
        "Download it, compare its sha256 with the publisher's, and name the file.",
    )


def install() -> None:
    """Replaces every loader of mmengine's `CheckpointLoader`; doing it again changes nothing.

    All of mmengine, mmdet, mmseg and mmpretrain read weights through it (``init_cfg`` of type
    Pretrained, ``load_from``, `Runner.load_checkpoint`, `load_checkpoint`), and where torch's safe
    reader refuses a file it falls back to one that runs what is in it.
    """
    from mmengine.runner import CheckpointLoader, checkpoint

    os.environ.pop("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", None)  # turns torch's own default round
    for prefix in list(CheckpointLoader._schemes):
        loader = _refuse if prefix else _load
        CheckpointLoader.register_scheme(prefix, loader=loader, force=True)
    checkpoint._safe_torch_load = _load  # what is left that calls it passes a file's name
