"""Protocols of the profile `paper` through the whole job: full width, two steps, small crops."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mmseg")

import torch  # noqa: E402

from mrcl_bench.catalog import load_catalog  # noqa: E402
from mrcl_bench.checkpoint import save_weights  # noqa: E402
from mrcl_bench.convert.file import Given, convert_file  # noqa: E402
from mrcl_bench.convert.manifest import read_manifest  # noqa: E402
from mrcl_bench.engine.request import Request  # noqa: E402
from mrcl_bench.jobs import evaluate  # noqa: E402
from mrcl_bench.record import read_record  # noqa: E402
from mrcl_bench.resolve import load_config  # noqa: E402
from mrcl_bench.spec import Job, Recipe  # noqa: E402
from mrcl_bench.workspace import Workspace  # noqa: E402

from ..segmentation_sets import write_segmentation_sets  # noqa: E402

SIDE = 64


def _shrunk(path: Path) -> Any:
    """A protocol with two iterations of small crops; the network stays as it is."""
    config = load_config(path)
    config.train_cfg.update(max_iters=2, val_interval=2)
    config.model.data_preprocessor.size = (SIDE, SIDE)
    if config.model.test_cfg.mode == "slide":
        config.model.test_cfg.update(crop_size=(SIDE, SIDE), stride=(42, 42))
    for split in ("train", "val"):
        loader = config[f"{split}_dataloader"]
        loader.update(num_workers=0, persistent_workers=False)
        for step in loader.dataset.pipeline:
            if "scale" in step:
                step.scale = (2 * SIDE, SIDE)
            if "crop_size" in step:
                step.crop_size = (SIDE, SIDE)
    if config.optim_wrapper.type == "AmpOptimWrapper":  # cannot be built without a GPU
        config.optim_wrapper.type = "OptimWrapper"
        config.optim_wrapper.pop("loss_scale")
    return config


def _untrained(workspace: Workspace, label: str, backbone: dict[str, Any]) -> Recipe:
    """Leaves a converted checkpoint of random weights, as a pretraining would."""
    from mmpretrain.registry import MODELS

    recipe = Recipe(
        kind="recipe",
        algorithm="random",
        display="Random init",
        backbone=label,
        profiles=("paper",),
        data="imagenet",
        role="floor",
        source="mmpretrain",
        name=f"random_{label}_0e_in1k",
    )
    torch.manual_seed(0)
    network = MODELS.build({**backbone, "_scope_": "mmpretrain"})
    network.init_weights()
    folder = workspace.checkpoint_dir("paper", recipe.name)
    raw = {f"backbone.{key}": value for key, value in network.state_dict().items()}
    save_weights(folder / "raw.pth", raw, {})
    convert_file(
        folder / "raw.pth",
        folder,
        source="mmpretrain",
        given=Given(heads=6 if "vit" in label else None),
        recipe=recipe.name,
        algorithm="random",
        pretrain={
            "recipe_sha256": "0" * 64,
            "data_id": "imagenet",
            "data_sha256": "0" * 64,
            "cost": {"images_seen": 0, "seconds": 0.0, "peak_memory_mib": 0.0},
        },
        verify=False,
    )
    return recipe


VIT_SMALL = dict(type="VisionTransformer", arch="deit-small", img_size=224, patch_size=16)
RESNET = dict(type="ResNet", depth=50)


@pytest.mark.parametrize(
    ("label", "backbone", "protocol", "gpus"),
    [
        ("vit-small-p16", VIT_SMALL, "vit-small-p16_upernet_8xb2-amp-160k_ade20k-512x512", 8),
        ("resnet50", RESNET, "resnet50_fcn_4xb2-80k_cityscapes-512x1024", 4),
        ("resnet50", RESNET, "resnet50_fcn-d16-moco_8xb2-steplr-90k_cityscapes-769x769", 8),
    ],
)
def test_two_steps_at_full_width(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    label: str,
    backbone: dict[str, Any],
    protocol: str,
    gpus: int,
) -> None:
    monkeypatch.delenv("MRCL_BENCH_DATA", raising=False)
    monkeypatch.setattr(evaluate, "load_config", _shrunk)
    workspace = Workspace(tmp_path)
    write_segmentation_sets(workspace.data)
    recipe = _untrained(workspace, label, backbone)
    judge = load_catalog().protocol(protocol)
    job = Job(profile="paper", recipe=recipe, protocol=judge, seed=0)
    request = Request(kind="evaluate", profile="paper", recipe=recipe, jobs=(job,), root=tmp_path)
    assert evaluate.run_evaluation(request)
    record = read_record(workspace.record_path("paper", recipe.name, protocol, 0))
    assert record.status == "completed" and record.data.id == judge.data
    assert set(record.metrics) == {"val/mIoU", "val/mAcc", "val/aAcc"}
    assert all(0 <= value <= 0.2 for value in record.metrics.values())  # of noise
    assert record.cost.batch is not None
    assert record.cost.images_seen == 2 * record.cost.batch.total == 2 * 2 * gpus
    assert record.load_report is not None
    assert (record.load_report.missing, record.load_report.unexpected) == ([], [])
    assert record.load_report.resized == (["pos_embed"] if "vit" in label else [])
    manifest = read_manifest(workspace.checkpoint_dir("paper", recipe.name))
    assert record.load_report.loaded == manifest.keys.loaded > 140
