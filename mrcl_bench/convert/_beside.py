"""What lies beside weights: our own manifest, timm's ``config.json``, Hugging Face's configs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..atomic import sha256_file
from .manifest import MANIFEST_NAME, Manifest

NAMES = ("preprocessor_config.json", "config.json")
_BYTE = 255.0
_TRAITS = ("num_heads", "norm_eps", "activation", "style")


@dataclass(frozen=True)
class Beside:
    """What the files beside weights say.

    Attributes:
        normalisation: As `mrcl_bench.normalisation.Normalisation` takes it, or None.
        traits: What weights do not show, e.g. ``{"num_heads": 12, "norm_eps": 1e-12}``.
        notes: One sentence for each file that something was taken from.
    """

    normalisation: dict[str, Any] | None = None
    traits: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def beside(weights: Path) -> Beside:
    """Reads the manifest of a weights file, or the publisher's configs in its folder.

    A manifest of an earlier conversion goes before all, if it is of this very file; what was
    assumed in it is not taken.

    Sources of the fields: timm writes ``pretrained_cfg`` (older files: at top level) with ``mean``
    and ``std`` of pixels in 0 … 1; transformers writes ``image_mean``, ``image_std``,
    ``do_normalize``, ``do_rescale`` and ``rescale_factor``, and ``num_attention_heads`` and
    ``layer_norm_eps`` in the model's config. A file that is none of these is passed over.

    Args:
        weights: The weights file.

    Returns:
        What was found; the processor's file goes before the model's.
    """
    if (own := _own(weights)) is not None:
        return own
    normalisation: dict[str, Any] | None = None
    traits: dict[str, Any] = {}
    notes: list[str] = []
    for name in NAMES:
        content = _read(weights.parent / name)
        if content is None:
            continue
        said = []
        if normalisation is None and (found := _normalisation(content)) is not None:
            normalisation = found
            said.append("mean and std")
        for key, ours in (("num_attention_heads", "num_heads"), ("layer_norm_eps", "norm_eps")):
            value = content.get(key)
            if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
                traits[ours] = value
                said.append(key)
        if said:
            notes.append(f"Taken from {name} beside the weights: {', '.join(said)}.")
    return Beside(normalisation, traits, tuple(notes))


def _own(weights: Path) -> Beside | None:
    """What the manifest of an earlier conversion says, if it describes this file."""
    for path in (weights.with_suffix(".manifest.json"), weights.with_name(MANIFEST_NAME)):
        try:
            manifest = Manifest.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            continue
        if manifest.weights_file != weights.name or manifest.file_sha256 != sha256_file(weights):
            continue
        told = manifest.architecture.model_dump(include=set(_TRAITS) - set(manifest.assumed))
        traits = {key: value for key, value in told.items() if value is not None}
        note = f"Taken from {path.name}, the manifest of the conversion before."
        known = "normalisation" not in manifest.assumed
        return Beside(manifest.normalisation.model_dump() if known else None, traits, (note,))
    return None


def _read(path: Path) -> Mapping[str, Any] | None:
    try:
        content = json.loads(path.read_text())
    except (OSError, UnicodeDecodeError, ValueError, RecursionError):
        return None
    return content if isinstance(content, Mapping) else None


def _normalisation(content: Mapping[str, Any]) -> dict[str, Any] | None:
    timm = content.get("pretrained_cfg")
    for block in (timm, content):
        if isinstance(block, Mapping):
            mean, std = _three(block.get("mean")), _three(block.get("std"))
            if mean and std:
                return _bytes(mean, std, _BYTE)
    mean, std = _three(content.get("image_mean")), _three(content.get("image_std"))
    rescaled = content.get("do_rescale", True) is not False
    factor = content.get("rescale_factor", 1 / _BYTE) if rescaled else 1.0
    if not isinstance(factor, int | float) or factor <= 0:
        return None
    if content.get("do_normalize") is False and {"do_rescale", "image_mean"} & set(content):
        return _bytes((0.0,) * 3, (1.0,) * 3, 1 / factor)
    return _bytes(mean, std, 1 / factor) if mean and std else None


def _three(value: Any) -> tuple[float, ...] | None:
    if not isinstance(value, list | tuple) or len(value) != 3:
        return None
    if any(not isinstance(part, int | float) or isinstance(part, bool) for part in value):
        return None
    return tuple(float(part) for part in value)


def _bytes(mean: tuple[float, ...], std: tuple[float, ...], scale: float) -> dict[str, Any]:
    """Turns statistics of scaled pixels into those of pixels in 0 … 255."""
    return {
        "mean": tuple(round(value * scale, 6) for value in mean),
        "std": tuple(round(value * scale, 6) for value in std),
        "channel_order": "rgb",
    }
