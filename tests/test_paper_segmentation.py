"""Segmentation protocols of the profile `paper` against mmseg's installed configs."""

from __future__ import annotations

import random
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import pytest

if not all(find_spec(name) for name in ("torch", "mmcv", "mmseg", "mmpretrain")):
    pytest.skip("needs the whole mm stack", allow_module_level=True)

import cv2  # noqa: E402
import mmseg  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from mmengine.config import Config  # noqa: E402
from mmengine.registry import init_default_scope  # noqa: E402

from mrcl_bench.catalog import load_catalog  # noqa: E402
from mrcl_bench.engine.runtime import import_custom  # noqa: E402
from mrcl_bench.resolve import load_config  # noqa: E402

from .segmentation_sets import write_segmentation_sets  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
STOCK = Path(mmseg.__file__).parent / ".mim/configs"
PROTOCOLS = {
    name: spec
    for name, spec in load_catalog().protocols.items()
    if spec.task == "segmentation" and "paper" in spec.profiles
}
_MAE = "mae/mae-base_upernet_8xb2-amp-160k_ade20k-512x512.py"


class Row(NamedTuple):
    """What a protocol's source says. ``stock`` is mmseg's config of the same protocol."""

    stock: str
    lr: float
    decay: float | None
    weight_decay: float
    iterations: int
    batch: int
    crop: tuple[int, int]
    classes: int
    channels: int
    on_request: bool = False


VIT_BASE = "vit-base-p16_upernet_8xb2-amp-160k_ade20k-512x512"
BEIT = "vit-base-p16_upernet-beit_8xb2-amp-160k_ade20k-512x512"
LONG_SEQ = "vit-base-p16_upernet-longseq_8xb2-amp-160k_ade20k-512x512"
VIT_SMALL = "vit-small-p16_upernet_8xb2-amp-160k_ade20k-512x512"
FCN = "resnet50_fcn_4xb4-160k_ade20k-512x512"
UPERNET_R50 = "resnet50_upernet_4xb4-160k_ade20k-512x512"
CITYSCAPES = "resnet50_fcn_4xb2-80k_cityscapes-512x1024"
MOCO = "resnet50_fcn-d16-moco_8xb2-steplr-90k_cityscapes-769x769"
SQUARE, STREET = (512, 512), (512, 1024)
TABLE = {
    VIT_BASE: Row(_MAE, 1e-4, 0.65, 0.05, 160000, 16, SQUARE, 150, 768),
    BEIT: Row(_MAE, 7e-4, 0.65, 0.05, 160000, 16, SQUARE, 150, 768, on_request=True),
    LONG_SEQ: Row(_MAE, 8e-5, 0.8, 0.05, 160000, 16, SQUARE, 150, 768, on_request=True),
    VIT_SMALL: Row(_MAE, 3e-5, 0.9, 0.05, 160000, 16, SQUARE, 150, 384),
    FCN: Row(
        "fcn/fcn_r50-d8_4xb4-160k_ade20k-512x512.py",
        *(0.01, None, 5e-4, 160000, 16, SQUARE, 150, 512),
    ),
    UPERNET_R50: Row(
        "upernet/upernet_r50_4xb4-160k_ade20k-512x512.py",
        *(0.01, None, 5e-4, 160000, 16, SQUARE, 150, 512),
    ),
    CITYSCAPES: Row(
        "fcn/fcn_r50-d8_4xb2-80k_cityscapes-512x1024.py",
        *(0.01, None, 5e-4, 80000, 8, STREET, 19, 512),
        on_request=True,
    ),
    MOCO: Row("", 0.01, None, 1e-4, 90000, 16, (769, 769), 19, 256, on_request=True),
}
VITS = [name for name, row in TABLE.items() if row.decay is not None]
WITH_STOCK = [name for name, row in TABLE.items() if row.stock]
IMAGENET = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True)


@cache
def ours(name: str) -> Any:
    config = load_config(PROTOCOLS[name].path)
    import_custom(config)
    init_default_scope("mmseg")
    return config


@cache
def stock(name: str) -> Any:
    return Config.fromfile(str(STOCK / TABLE[name].stock))


def test_the_table_lists_every_protocol() -> None:
    assert set(TABLE) == set(PROTOCOLS)
    assert {name for name, row in TABLE.items() if row.on_request} == {
        name for name, spec in PROTOCOLS.items() if spec.on_request
    }
    default = [(s.backbone, s.family) for s in PROTOCOLS.values() if not s.on_request]
    assert len(default) == len(set(default))  # one protocol per family and backbone
    assert len({(s.backbone, s.family) for s in PROTOCOLS.values()}) == len(PROTOCOLS)


def test_the_document_s_table_is_this_one() -> None:
    text = (ROOT / "docs/protocols-segmentation.md").read_text()
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line[:3] == "| `"]
    found = {
        name.strip("`"): (
            runs == "on request",
            float(rate),
            None if decay == "none" else float(decay),
            float(weight_decay),
            int(batch),
            int(iterations.replace(",", "")),
        )
        for name, runs, rate, decay, weight_decay, batch, iterations in rows
    }
    assert found == {
        name: (row.on_request, row.lr, row.decay, row.weight_decay, row.batch, row.iterations)
        for name, row in TABLE.items()
    }


@pytest.mark.parametrize("name", TABLE)
def test_numbers_are_the_source_s(name: str) -> None:
    row, config = TABLE[name], ours(name)
    model, wrapper = config.model, config.optim_wrapper
    assert wrapper.optimizer.lr == row.lr
    assert wrapper.optimizer.weight_decay == row.weight_decay
    assert wrapper.get("paramwise_cfg", {}).get("layer_decay_rate") == row.decay
    assert config.train_cfg == dict(
        type="IterBasedTrainLoop", max_iters=row.iterations, val_interval=row.iterations
    )
    assert config.auto_scale_lr == dict(enable=False, base_batch_size=row.batch)
    assert row.batch % config.train_dataloader.batch_size == 0
    crops = [s for s in config.train_dataloader.dataset.pipeline if s.type == "RandomCrop"]
    assert [crop.crop_size for crop in crops] == [row.crop]
    assert model.data_preprocessor.size == row.crop
    assert {key: model.data_preprocessor[key] for key in IMAGENET} == IMAGENET
    assert model.decode_head.num_classes == row.classes
    assert model.decode_head.channels == row.channels
    assert model.backbone.get("frozen_stages", -1) == -1
    assert config.load_from is None and "Pretrained" not in repr(model)  # no foreign weights
    assert not model.get("pretrained") and "init_cfg" not in model.backbone
    norms = {
        str(part.norm_cfg.type)
        for part in (model.backbone, model.decode_head, model.get("auxiliary_head"))
        if part and "norm_cfg" in part
    }
    assert norms == {"SyncBN"}
    assert model.backbone.get("norm_eval", False) is False
    if name in VITS:
        assert (wrapper.type, wrapper.optimizer.type) == ("AmpOptimWrapper", "AdamW")
        assert model.backbone.out_indices == [3, 5, 7, 11]  # counted from 0, the last is 11
        assert model.backbone.drop_path_rate == 0.1
        assert model.test_cfg == dict(mode="slide", crop_size=(512, 512), stride=(341, 341))
        warm_up, poly = config.param_scheduler
        assert (warm_up.type, warm_up.end, warm_up.start_factor) == ("LinearLR", 1500, 1e-6)
        assert (poly.type, poly.begin, poly.power, poly.eta_min) == ("PolyLR", 1500, 1.0, 0.0)
    else:
        assert (wrapper.type, wrapper.optimizer.type) == ("OptimWrapper", "SGD")
        assert wrapper.optimizer.momentum == 0.9
        assert model.test_cfg == dict(mode="whole")
        if name != MOCO:
            (poly,) = config.param_scheduler
            assert (poly.type, poly.power, poly.eta_min) == ("PolyLR", 0.9, 1e-4)
    if name == MOCO:
        assert model.auxiliary_head is None
        assert config.param_scheduler[0].milestones == [63000, 81000]  # 70 % and 90 %
    else:
        assert model.auxiliary_head.in_index == 2
        assert model.auxiliary_head.loss_decode.loss_weight == 0.4


def plain(part: Any) -> Any:
    """A part of a config with lists for tuples, so that only what it says is compared."""
    if isinstance(part, dict):
        return {key: plain(value) for key, value in part.items()}
    return [plain(value) for value in part] if isinstance(part, list | tuple) else part


@pytest.mark.parametrize("name", WITH_STOCK)
def test_all_but_backbone_and_rates_is_stock(name: str) -> None:
    mine, theirs = ours(name), stock(name)
    width = {VIT_SMALL: 384}.get(name, 768)
    for part in ("decode_head", "auxiliary_head", "neck", "test_cfg", "data_preprocessor"):
        wanted = plain(theirs.model.get(part))
        if name == VIT_SMALL and part != "test_cfg":
            wanted = {
                key: [width] * 4 if value == [768] * 4 else width if value == 768 else value
                for key, value in wanted.items()
            }
        if name in VITS and part == "neck":
            assert mine.model.neck.norm_cfg == dict(type="SyncBN", requires_grad=True)
            wanted = {**wanted, "norm_cfg": plain(mine.model.neck.norm_cfg)}  # its default
        assert plain(mine.model.get(part)) == wanted, part
    assert plain(mine.param_scheduler) == plain(theirs.param_scheduler)
    theirs_optimiser = plain(theirs.optim_wrapper.optimizer)
    assert plain(mine.optim_wrapper.optimizer) == {**theirs_optimiser, "lr": TABLE[name].lr}
    if name in (VIT_BASE, FCN, UPERNET_R50, CITYSCAPES):
        assert theirs_optimiser["lr"] == TABLE[name].lr
    assert mine.train_dataloader.batch_size == theirs.train_dataloader.batch_size
    for loader in ("train_dataloader", "val_dataloader"):
        assert plain(mine[loader].sampler) == plain(theirs[loader].sampler)
        assert mine[loader].dataset.type == theirs[loader].dataset.type
    if "resnet50" in name:
        backbone = {k: v for k, v in plain(theirs.model.backbone).items() if k != "type"}
        assert {k: v for k, v in plain(mine.model.backbone).items() if k != "type"} == backbone
        assert (mine.model.backbone.type, theirs.model.backbone.type) == ("ResNet", "ResNetV1c")


def test_stock_neck_synchronises_by_default() -> None:
    from inspect import signature

    from mmseg.models.necks import Feature2Pyramid

    default = signature(Feature2Pyramid.__init__).parameters["norm_cfg"].default
    assert default == dict(type="SyncBN", requires_grad=True)


def layer_of(key: str) -> int:
    """mmseg's and BEiT's layer of a parameter in a ViT of 12 blocks: 0 … 13."""
    if key in ("backbone.cls_token", "backbone.pos_embed") or "patch_embed" in key:
        return 0
    if key.startswith("backbone.layers."):
        return int(key.split(".")[2]) + 1
    return 13


@pytest.mark.parametrize("name", VITS)
def test_every_parameter_has_its_source_s_rate_and_decay(name: str) -> None:
    from mmengine.optim import build_optim_wrapper
    from mmengine.registry import MODELS
    from mmseg.engine.optimizers.layer_decay_optimizer_constructor import get_layer_id_for_vit

    row, config = TABLE[name], load_config(PROTOCOLS[name].path)
    ours(name)
    with torch.device("meta"):
        model = MODELS.build(config.model)
    wrapper = config.optim_wrapper
    wrapper.type = "OptimWrapper"  # the mixed-precision one wants a GPU to be built at all
    wrapper.pop("loss_scale")
    optimizer = build_optim_wrapper(model, wrapper).optimizer
    groups = {group["param_name"]: group for group in optimizer.param_groups}
    parameters = dict(model.named_parameters())
    assert set(groups) == set(parameters)
    assert {layer_of(key) for key in parameters} == set(range(14))
    for key, group in groups.items():
        assert layer_of(key) == get_layer_id_for_vit(key, 14), key
        assert group["lr"] == pytest.approx(row.lr * row.decay ** (13 - layer_of(key))), key
        exempt = parameters[key].ndim == 1 or key.endswith(".bias")
        exempt |= key in ("backbone.cls_token", "backbone.pos_embed")
        assert group["weight_decay"] == (0 if exempt else row.weight_decay), key


@pytest.fixture(scope="module")
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One picture with its label map in ADE20K's and in Cityscapes' layout, for each split."""
    root = tmp_path_factory.mktemp("segmentation")
    write_segmentation_sets(root)
    return root


def prepared(config: Any, split: str, root: Path) -> tuple[torch.Tensor, torch.Tensor, list[Any]]:
    """A split's first picture as the network gets it, its label map, and the class names."""
    from mmengine.registry import DATASETS, MODELS

    plan = config[f"{split}_dataloader"].dataset.copy()
    plan.data_root = str(root / plan.data_root.removeprefix("data/"))
    dataset = DATASETS.build(plan)
    random.seed(3)
    np.random.seed(3)
    item = dataset[0]
    processor = MODELS.build(config.model.data_preprocessor)
    batch = {"inputs": [item["inputs"]], "data_samples": [item["data_samples"]]}
    done = processor(batch, training=split == "train")
    return (
        done["inputs"],
        done["data_samples"][0].gt_sem_seg.data,
        list(dataset.metainfo["classes"]),
    )


@pytest.mark.parametrize("split", ["train", "val"])
@pytest.mark.parametrize("name", [VIT_BASE, VIT_SMALL, FCN, UPERNET_R50, CITYSCAPES])
def test_a_picture_is_prepared_as_by_stock(name: str, split: str, data_root: Path) -> None:
    picture, labels, classes = prepared(ours(name), split, data_root)
    theirs, their_labels, their_classes = prepared(stock(name), split, data_root)
    assert torch.equal(picture, theirs) and torch.equal(labels, their_labels)
    assert classes == their_classes and len(classes) == TABLE[name].classes
    assert picture.dtype == torch.float32 and abs(float(picture.mean())) < 3
    if split == "train":
        assert picture.shape[-2:] == labels.shape[-2:] == TABLE[name].crop
        assert set(labels.unique().tolist()) <= {*range(TABLE[name].classes), 255}


def test_ade20k_s_label_0_is_left_out_and_padding_too(data_root: Path) -> None:
    file = data_root / "ade/ADEChallengeData2016/annotations/validation/a.png"
    raw = cv2.imread(str(file), cv2.IMREAD_GRAYSCALE).astype(np.int64)
    _, labels, _ = prepared(ours(VIT_BASE), "val", data_root)
    expected = np.where(raw == 0, 255, raw - 1)
    assert np.array_equal(labels[0].numpy(), expected)

    config = load_config(PROTOCOLS[VIT_BASE].path)
    config.train_dataloader.dataset.pipeline[2] = dict(type="Resize", scale=(130, 90))
    picture, labels, _ = prepared(config, "train", data_root)
    assert picture.shape[-2:] == (512, 512)
    assert (picture[0, :, 90:] == 0).all() and (picture[0, :, :, 130:] == 0).all()
    assert (labels[0, 90:] == 255).all() and (labels[0, :, 130:] == 255).all()


def test_moco_s_network_has_stride_16_and_two_dilated_convolutions() -> None:
    from mmengine.registry import MODELS

    model = MODELS.build(ours(MOCO).model).eval()
    stage = [m for m in model.backbone.layer4.modules() if isinstance(m, torch.nn.Conv2d)]
    threes = [m for m in stage if m.kernel_size == (3, 3)]
    assert len(threes) == 3 and {m.dilation for m in threes} == {(2, 2)}
    assert {m.stride for m in stage} == {(1, 1)}
    head = [m for m in model.decode_head.modules() if isinstance(m, torch.nn.Conv2d)]
    assert [(m.kernel_size, m.dilation, m.out_channels) for m in head] == [
        ((1, 1), (1, 1), 19),
        ((3, 3), (6, 6), 256),
        ((3, 3), (6, 6), 256),
    ]
    with torch.inference_mode():
        feats = model.extract_feat(torch.zeros(1, 3, 128, 128))
    assert [feat.shape[-1] for feat in feats] == [32, 16, 8, 8]
    assert not model.with_auxiliary_head
