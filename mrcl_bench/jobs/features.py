"""Frozen features of a checkpoint: computed once per weights, pipeline and data, then cached."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from ..atomic import write_atomic
from ..engine.left_out import left_out
from ..engine.progress import report
from ..record import LoadReport
from .context import Context


@dataclass(frozen=True)
class Features:
    """Features of all splits.

    Attributes:
        x: Split to float32 array (N, C).
        y: Split to int64 class indices (N,), or labels (N, classes) where a picture has several.
        images: Images that were encoded.
        load_report: What loading the backbone did.
    """

    x: dict[str, NDArray[np.float32]]
    y: dict[str, NDArray[np.int64]]
    images: int
    load_report: LoadReport


def _key(context: Context, splits: list[str]) -> str:
    identity: dict[str, Any] = {
        "weights": context.weights_sha256,
        "data": context.data_sha256,
        "model": repr(context.config._cfg_dict["model"]),
        "loaders": [repr(context.config._cfg_dict[f"{split}_dataloader"]) for split in splits],
    }
    if left_out() is not None:  # never for those who did not allow it
        identity["without"] = "broken images"
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:24]


def extract(context: Context) -> Features:
    """Encodes train, val and (where the config has one) novel with the frozen backbone.

    The pooled output of the config's ``model`` is the feature; augmentation is whatever the
    three dataloaders say, and a frozen protocol should say none.

    Args:
        context: The job; its config holds ``model`` and ``<split>_dataloader`` for each split.

    Returns:
        The features, from the cache if the same weights, pipeline and data were encoded before.
    """
    splits = [s for s in ("train", "val", "test") if context.config.get(f"{s}_dataloader")]
    cache = context.workspace.runs / "features" / f"{_key(context, splits)}.npz"
    cache.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(str(cache) + ".lock"):
        if not cache.exists():
            arrays = _encode(context, splits)
            write_atomic(cache, lambda file: np.savez(file, **arrays))
        with np.load(cache) as stored:
            if (left := left_out()) is not None:
                left.add(json.loads(str(stored["left_out"])))
            names = {"test": "novel"}
            return Features(
                x={names.get(s, s): stored[f"x_{s}"] for s in splits},
                y={names.get(s, s): stored[f"y_{s}"] for s in splits},
                images=sum(len(stored[f"y_{s}"]) for s in splits),
                load_report=LoadReport.model_validate_json(str(stored["load_report"])),
            )


def _encode(context: Context, splits: list[str]) -> dict[str, Any]:
    import torch
    from mmengine.registry import init_default_scope
    from mmengine.runner import Runner
    from mmpretrain.registry import MODELS

    from ..engine.runtime import import_custom
    from ..loading import loading_of
    from .load import load_into

    import_custom(context.config)
    init_default_scope("mmpretrain")
    model = MODELS.build(context.config.model)
    load_report = load_into(model, context.weights, loading_of(context.config))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = model.to(device).eval()
    arrays: dict[str, Any] = {"load_report": np.array(load_report.model_dump_json())}
    left = left_out()
    for split in splits:
        loader = Runner.build_dataloader(context.config[f"{split}_dataloader"], seed=0)
        feats, labels = [], []
        with torch.inference_mode():
            for step, batch in enumerate(loader):
                data = model.data_preprocessor(batch, False)
                feat = model.extract_feat(data["inputs"])
                feats.append((feat[-1] if isinstance(feat, tuple) else feat).float().cpu())
                labels += [sample.gt_label.squeeze().tolist() for sample in data["data_samples"]]
                report(step + 1, len(loader), f"encode {split}")
        arrays[f"x_{split}"] = torch.cat(feats).numpy()
        arrays[f"y_{split}"] = np.array(labels, dtype=np.int64)
    if left is not None:
        arrays["left_out"] = np.array(json.dumps(left.files))
    return arrays


def unit(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scales each feature to length one; zero stays zero."""
    norms = np.linalg.norm(x, axis=1, keepdims=True)
    scaled: NDArray[np.float32] = (x / np.maximum(norms, 1e-12)).astype(np.float32)
    return scaled


def pooling(config: Any) -> str:
    """Says what of a network's output a config's feature is, for records.

    Args:
        config: Protocol config with ``model``.
    """
    backbone, neck = config.model.backbone, config.model.get("neck")
    what = backbone.get("out_type", "last map")
    return what if neck is None else f"{what}, {neck.type}"


def held_out(labels: NDArray[np.int64], share: float, seed: int) -> NDArray[np.bool_]:
    """Draws a part of train, balanced over classes, for choosing hyper-parameters.

    Args:
        labels: Class indices of train, (N,).
        share: Share of each class to hold out, 0 … 1.
        seed: The job's seed.

    Returns:
        Mask (N,), true where an image is held out.
    """
    rng = np.random.default_rng(seed)
    mask = np.zeros(len(labels), dtype=np.bool_)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        mask[rng.permutation(members)[: round(share * len(members))]] = True
    return mask
