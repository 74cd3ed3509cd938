"""The detection protocols of `paper`: what they say, built at full width, and run on a picture."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

if not all(find_spec(name) for name in ("torch", "mmcv", "mmdet", "mmpretrain")):
    pytest.skip("needs mmdet", allow_module_level=True)

import cv2  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from mmengine.config import Config  # noqa: E402
from mmengine.model import revert_sync_batchnorm  # noqa: E402
from mmengine.registry import DATASETS, MODELS, init_default_scope  # noqa: E402
from mmpretrain.models.utils import LayerNorm2d  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn.modules.batchnorm import _BatchNorm  # noqa: E402

from mrcl_bench.catalog import load_catalog  # noqa: E402
from mrcl_bench.convert._architecture import Architecture  # noqa: E402
from mrcl_bench.engine.runtime import import_custom  # noqa: E402
from mrcl_bench.fit import misfit, networks, shapes_of  # noqa: E402
from mrcl_bench.jobs.load import load_into  # noqa: E402
from mrcl_bench.loading import loading_of  # noqa: E402
from mrcl_bench.resolve import load_config, relocate  # noqa: E402

PROTOCOLS = {
    name: protocol
    for name, protocol in load_catalog().protocols.items()
    if protocol.task == "detection" and "paper" in protocol.profiles
}
C4_1X = "mask-rcnn_resnet50_c4_8xb2-1x_coco"
C4_2X = "mask-rcnn_resnet50_c4_8xb2-2x_coco"
FPN_1X = "mask-rcnn_resnet50_fpn_8xb2-1x_coco"
FPN_2X = "mask-rcnn_resnet50_fpn_8xb2-2x_coco"
VOC = "faster-rcnn_resnet50_c4_8xb2-24k_voc0712"
VIT_B = "mask-rcnn_vit-base-p16_simple-fpn_8xb8-amp-lsj-184375iters_coco"
VIT_S = "mask-rcnn_vit-small-p16_simple-fpn_8xb8-amp-lsj-184375iters_coco"
VIT_GLOBAL = "mask-rcnn_vit-base-p16-global_simple-fpn_8xb8-amp-lsj-184375iters_coco"
C4 = (C4_1X, C4_2X, VOC)
RESNETS = (*C4, FPN_1X, FPN_2X)
VITS = (VIT_B, VIT_S, VIT_GLOBAL)


@lru_cache
def resolved(name: str) -> Any:
    return load_config(PROTOCOLS[name].path)


def build(name: str) -> Any:
    """A model at full width; a ViT without memory for its weights."""
    config = load_config(PROTOCOLS[name].path)
    import_custom(config)
    init_default_scope(config.default_scope)
    # mmdet's ResNet reads a tensor while it is built, which a meta tensor refuses
    with torch.device("cpu" if name in RESNETS else "meta"):
        return MODELS.build(config.model)


def test_which_there_are_and_which_run_unasked() -> None:
    asked = {name: protocol.on_request for name, protocol in PROTOCOLS.items()}
    assert asked == {
        C4_1X: False, C4_2X: True, FPN_1X: False, FPN_2X: True, VOC: False,
        VIT_B: False, VIT_S: True, VIT_GLOBAL: True,
    }  # fmt: skip
    assert PROTOCOLS[VOC].seeds == 5
    assert {protocol.main_metric for protocol in PROTOCOLS.values()} == {"val/bbox_mAP"}
    assert PROTOCOLS[VIT_S].family == PROTOCOLS[VIT_B].family != PROTOCOLS[VIT_GLOBAL].family


# name: (iterations or epochs, steps, iterations of warm-up, short sides in training)
SCHEDULES: dict[str, tuple[int, list[int], int, list[int]]] = {
    C4_1X: (90_000, [60_000, 80_000], 1000, [640, 672, 704, 736, 768, 800]),
    C4_2X: (180_000, [120_000, 160_000], 1000, [640, 672, 704, 736, 768, 800]),
    FPN_1X: (12, [8, 11], 500, [640, 672, 704, 736, 768, 800]),
    FPN_2X: (24, [16, 22], 500, [640, 672, 704, 736, 768, 800]),
    VOC: (24_000, [18_000, 22_000], 100, list(range(480, 801, 32))),
    VIT_B: (184_375, [163_889, 177_546], 250, []),
    VIT_S: (184_375, [163_889, 177_546], 250, []),
    VIT_GLOBAL: (184_375, [163_889, 177_546], 250, []),
}


@pytest.mark.parametrize("name", PROTOCOLS)
def test_schedule_and_scales(name: str) -> None:
    config = resolved(name)
    length, steps, warm_up, shorts = SCHEDULES[name]
    cycle = config.train_cfg
    by_epoch = name in (FPN_1X, FPN_2X)
    assert cycle["max_epochs" if by_epoch else "max_iters"] == length
    assert cycle.val_interval == length and config.val_cfg.type == "ValLoop"
    first, second = config.param_scheduler
    assert (first.type, first.start_factor, first.begin, first.end) == (
        "LinearLR",
        1e-3,
        0,
        warm_up,
    )
    assert (second.type, second.milestones, second.gamma) == ("MultiStepLR", steps, 0.1)
    assert (second.begin, second.end, second.by_epoch) == (0, length, by_epoch)
    sampler = config.train_dataloader.sampler
    assert sampler.type == ("DefaultSampler" if by_epoch else "InfiniteSampler")

    train = {step.type: step for step in config.train_dataloader.dataset.pipeline}
    val = {step.type: step for step in config.val_dataloader.dataset.pipeline}
    assert train["RandomFlip"].prob == 0.5
    if shorts:
        assert train["RandomChoiceResize"].scales == [(1333, short) for short in shorts]
        assert val["Resize"].scale == (1333, 800)
        assert config.train_dataloader.batch_sampler.type == "AspectRatioBatchSampler"
    else:
        assert train["RandomResize"].scale == train["RandomCrop"].crop_size == (1024, 1024)
        assert train["RandomResize"].ratio_range == (0.1, 2.0)
        assert val["Resize"].scale == (1024, 1024)
        assert config.train_dataloader.batch_sampler is None
    assert val["Resize"].keep_ratio


@pytest.mark.parametrize("name", PROTOCOLS)
def test_stem_says_what_the_config_does(name: str) -> None:
    config = resolved(name)
    gpus, batch = map(int, re.search(r"_(\d+)xb(\d+)-", name).groups())
    assert config.train_dataloader.batch_size == batch
    assert config.auto_scale_lr == dict(enable=False, base_batch_size=gpus * batch)
    assert gpus * batch == (16 if name in RESNETS else 64)
    assert ("-amp-" in name) == (config.optim_wrapper.type == "AmpOptimWrapper")
    assert PROTOCOLS[name].backbone in name and name.endswith("_" + PROTOCOLS[name].data)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_pictures_are_fed_as_imagenet_is(name: str) -> None:
    processor = resolved(name).model.data_preprocessor
    assert processor.mean == [123.675, 116.28, 103.53]
    assert processor.std == [58.395, 57.12, 57.375]
    assert processor.bgr_to_rgb is True


@pytest.mark.parametrize("name", RESNETS)
def test_resnets_are_trained_by_sgd(name: str) -> None:
    wrapper = resolved(name).optim_wrapper
    assert wrapper.optimizer == dict(type="SGD", lr=0.02, momentum=0.9, weight_decay=1e-4)
    decay = wrapper.get("paramwise_cfg")
    assert decay == (dict(norm_decay_mult=0.0) if name in C4 else None)


@pytest.mark.parametrize("name", C4)
def test_c4_measures_norms_again(name: str) -> None:
    config = resolved(name)
    assert config.custom_hooks == [dict(type="PreciseNormHook", batches=200)]
    assert "mrcl_bench.engine.precise_norm" in config.custom_imports.imports
    model = config.model
    assert model.roi_head.shared_head.type == "Res5WithNorm"
    assert model.rpn_head.feat_channels == 1024
    assert model.train_cfg.rpn.allowed_border == -1
    proposals = model.train_cfg.rpn_proposal, model.test_cfg.rpn
    assert [(p.nms_pre, p.max_per_img) for p in proposals] == [(12000, 2000), (6000, 1000)]
    assert model.roi_head.bbox_head.num_classes == (20 if name == VOC else 80)
    assert (model.roi_head.get("mask_head") is None) == (name == VOC)


def norm_types(model: Any) -> dict[str, set[type]]:
    """Part of a model to the types of its norms."""
    kinds = (_BatchNorm, nn.LayerNorm, nn.GroupNorm)
    parts = {
        "backbone": model.backbone,
        "neck": getattr(model, "neck", None),
        "rpn": model.rpn_head,
        "res5": getattr(model.roi_head, "shared_head", None),
        "box": model.roi_head.bbox_head,
        "mask": getattr(model.roi_head, "mask_head", None),
    }
    return {
        name: {type(m) for m in part.modules() if isinstance(m, kinds)}
        for name, part in parts.items()
        if part is not None
    }


@pytest.mark.parametrize("name", [C4_1X, VOC, FPN_1X])
def test_resnet_detector_at_full_width(name: str) -> None:
    model = build(name)
    found = norm_types(model)
    synced = {"backbone", "res5"} if name in C4 else {"backbone", "neck"}
    for part, types in found.items():
        assert bool(types) == (part in synced), part
        assert all(issubclass(kind, nn.SyncBatchNorm) for kind in types), part
    assert all(p.requires_grad for p in model.parameters())
    model.train()
    assert all(m.training for m in model.modules())  # no norm is held fast
    blocks = [model.backbone.layer2[0]]
    blocks += [(model.roi_head.shared_head if name in C4 else model.backbone).layer4[0]]
    for block in blocks:  # the stride is in the 3x3 convolution
        assert (block.conv1.stride, block.conv2.stride) == ((1, 1), (2, 2))

    torchvision = pytest.importorskip("torchvision")
    source = torchvision.models.resnet50(weights=None)
    for value in source.buffers():
        if value.is_floating_point():
            value.uniform_(0.5, 1.5)
    weights = {k: v for k, v in source.state_dict().items() if not k.startswith("fc.")}
    report = load_into(model, weights, loading_of(resolved(name)))
    assert report.loaded == len(weights)
    extra = ["norm." + key for key in ("weight", "bias", "running_mean", "running_var")]
    assert report.missing == (extra if name in C4 else [])

    model = revert_sync_batchnorm(model)
    picture = torch.randn(1, 3, 96, 64)
    model.eval()
    source.eval()
    with torch.no_grad():
        x = source.maxpool(source.relu(source.bn1(source.conv1(picture))))
        res4 = source.layer3(source.layer2(source.layer1(x)))
        if name in C4:
            torch.testing.assert_close(model.backbone(picture)[0], res4, atol=1e-4, rtol=1e-4)
            head, last = model.roi_head.shared_head, source.layer4(res4)
            torch.testing.assert_close(
                head(res4), last / (1 + head.norm.eps) ** 0.5, atol=1e-4, rtol=1e-4
            )
        else:
            stages = model.backbone(picture)
            torch.testing.assert_close(stages[3], source.layer4(res4), atol=1e-4, rtol=1e-4)
    loss = losses_of(model, picture, masks=name != VOC)
    kinds = {"loss_rpn_cls", "loss_rpn_bbox", "loss_cls", "loss_bbox"}
    assert kinds | ({"loss_mask"} if name != VOC else set()) <= loss.keys()


def losses_of(model: Any, picture: Any, masks: bool) -> dict[str, float]:
    """Losses of a picture with two boxes; few regions, for time's sake."""
    from mmdet.structures import DetDataSample
    from mmdet.structures.mask import BitmapMasks
    from mmengine.structures import InstanceData

    height, width = picture.shape[-2:]
    sample = DetDataSample()
    shape = (height, width)
    sample.set_metainfo({"img_shape": shape, "pad_shape": shape, "batch_input_shape": shape})
    boxes = torch.tensor([[4.0, 4.0, 40.0, 44.0], [20.0, 10.0, 60.0, 60.0]])
    sample.gt_instances = InstanceData(bboxes=boxes, labels=torch.tensor([1, 3]))
    sample.ignored_instances = InstanceData(bboxes=torch.zeros(0, 4), labels=torch.zeros(0).long())
    if masks:
        drawn = np.zeros((2, height, width), dtype=np.uint8)
        drawn[:, 10:40, 20:40] = 1
        sample.gt_instances.masks = BitmapMasks(drawn, height, width)
    model.train()
    model.roi_head.bbox_sampler.num = 8
    with torch.no_grad():
        losses = model.loss(picture, [sample])
    found = {}
    for key, value in losses.items():
        found[key] = float(sum(value) if isinstance(value, list) else value)
        assert np.isfinite(found[key]), key
    return found


@pytest.mark.parametrize("name", [VIT_B, VIT_S])
def test_vit_det_at_full_width(name: str) -> None:
    model = build(name)
    width, heads = (768, 12) if name == VIT_B else (384, 6)
    backbone = model.backbone
    assert [layer.window_size for layer in backbone.layers] == [14, 14, 0] * 4
    for layer in backbone.layers:
        side = 2 * (layer.window_size or 64) - 1
        assert layer.attn.rel_pos_h.shape == layer.attn.rel_pos_w.shape == (side, width // heads)
        assert layer.attn.num_heads == heads
    assert backbone.pos_embed.shape == (1, 196, width)
    assert backbone.layers[-1].drop_path.drop_prob == pytest.approx(0.1)
    assert not hasattr(backbone, "ln1") and backbone.cls_token is None
    found = norm_types(model)
    for part in ("neck", "box", "mask"):
        assert found[part] == {LayerNorm2d}, part
    assert found["backbone"] <= {nn.LayerNorm, *nn.LayerNorm.__subclasses__()}
    assert all(m.eps == 1e-6 for m in model.modules() if isinstance(m, nn.LayerNorm))
    assert not found["rpn"]
    assert len(model.roi_head.bbox_head.shared_convs) == 4
    assert len(model.roi_head.bbox_head.shared_fcs) == 1
    assert all(p.requires_grad for p in model.parameters())


@pytest.mark.parametrize("name", VITS)
def test_vit_detector_runs_on_a_picture(name: str) -> None:
    model = build(name).to_empty(device="cpu")
    torch.manual_seed(0)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.02)
    anchors = model.rpn_head.prior_generator  # made without values on the meta device
    anchors.base_anchors = anchors.gen_base_anchors()
    picture = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        feats = model.extract_feat(picture)
    assert [feat.shape for feat in feats] == [(1, 256, side, side) for side in (16, 8, 4, 2, 1)]
    loss = losses_of(model, picture, masks=True)
    assert {"loss_rpn_cls", "loss_cls", "loss_bbox", "loss_mask"} <= loss.keys()


def expected_rate(name: str, rate: float = 0.7, blocks: int = 12) -> float:
    """detectron2's rule: the stem is depth 0, block i is depth i + 1, the rest is undiminished."""
    depth = blocks + 1
    if name.startswith(("backbone.pos_embed", "backbone.patch_embed")):
        depth = 0
    elif block := re.match(r"backbone\.layers\.(\d+)\.", name):
        depth = int(block[1]) + 1
    return rate ** (blocks + 1 - depth)


@pytest.mark.parametrize("name", [VIT_B, VIT_S])
def test_rates_and_decay_of_every_parameter(name: str) -> None:
    from mmengine.optim import build_optim_wrapper

    model, config = build(name), load_config(PROTOCOLS[name].path)
    wrapper = config.optim_wrapper
    assert wrapper.optimizer == dict(type="AdamW", lr=1e-4, betas=(0.9, 0.999), weight_decay=0.1)
    assert wrapper.loss_scale == "dynamic" and "clip_grad" not in wrapper
    wrapper.type = "OptimWrapper"  # the mixed-precision one wants a GPU to be built at all
    wrapper.pop("loss_scale")
    groups = build_optim_wrapper(model, wrapper).optimizer.param_groups
    found = {group["param_name"]: group for group in groups}
    assert set(found) == {key for key, _ in model.named_parameters()}
    # detectron2 spares torch's norms from decay, but its layer norm of maps is none of them
    spared = {
        f"{path}.{key}"
        for path, module in model.named_modules()
        if type(module) is not LayerNorm2d and isinstance(module, nn.LayerNorm)
        for key, _ in module.named_parameters()
    } | {"backbone.pos_embed"}
    assert len(spared) == 12 * 4 + 1
    for key, group in found.items():
        assert group["lr"] == pytest.approx(1e-4 * expected_rate(key)), key
        assert group["weight_decay"] == (0 if key in spared else 0.1), key


def test_weights_from_elsewhere_fit() -> None:
    """`eval --weights` knows that C4 splits a ResNet, and what ViTDet adds and leaves out."""
    from mmpretrain.models import ResNet, VisionTransformer

    built = networks(PROTOCOLS.values())
    plan = dict(label="x", num_heads=None)
    resnet = shapes_of(ResNet(50).state_dict())
    of_resnet = Architecture(type="resnet", style="pytorch", **plan)
    with torch.device("meta"):
        vit = shapes_of(VisionTransformer("deit-small", img_size=224, patch_size=16).state_dict())
    of_vit = Architecture(type="vit", label="x", num_heads=6)
    for name, network in built.items():
        reason = misfit(network, resnet, of_resnet)
        assert (reason is None) == (name in RESNETS), (name, reason)
        reason = misfit(network, vit, of_vit)
        assert (reason is None) == (name == VIT_S), (name, reason)
    cut = {key: shape for key, shape in resnet.items() if not key.startswith("layer4.2")}
    assert "15 missing (layer4.2" in str(misfit(built[C4_1X], cut, of_resnet))
    assert "1 left over (norm2)" in str(misfit(built[C4_1X], {**resnet, "norm2": (1,)}, of_resnet))


def stock(path: str) -> Any:
    """A config that mmdet ships."""
    import mmdet

    return Config.fromfile(str(Path(mmdet.__file__).parent / ".mim" / "configs" / path))


@pytest.fixture(scope="module")
def coco(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with one picture in COCO's layout."""
    root = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for split in ("train", "val"):
        folder = root / "coco" / f"{split}2017"
        folder.mkdir(parents=True)
        cv2.imwrite(str(folder / "1.png"), rng.integers(0, 255, (300, 260, 3), dtype=np.uint8))
        box = dict(id=1, image_id=1, category_id=18, bbox=[20, 30, 120, 90], area=10800, iscrowd=0)
        box["segmentation"] = [[20, 30, 140, 30, 140, 120, 20, 120]]
        labels = dict(
            images=[dict(id=1, file_name="1.png", width=260, height=300)],
            annotations=[box],
            categories=[dict(id=18, name="dog")],
        )
        path = root / "coco" / "annotations" / f"instances_{split}2017.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(labels))
    return root


def preprocessed(config: Any, root: Path, split: str) -> Any:
    """What a config's model is fed of the first picture, and its boxes."""
    init_default_scope("mmdet")
    plan = config[f"{split}_dataloader"].dataset
    if plan.type == "RepeatDataset":
        plan = plan.dataset
    holder = Config({"plan": plan})
    relocate(holder, root)
    dataset = DATASETS.build(holder.plan)
    np.random.seed(3)
    torch.manual_seed(3)
    found = dataset[0]
    batch = {"inputs": [found["inputs"]], "data_samples": [found["data_samples"]]}
    data = MODELS.build(config.model.data_preprocessor)(batch, training=split == "train")
    boxes = data["data_samples"][0].gt_instances.bboxes
    return data["inputs"], boxes.tensor if hasattr(boxes, "tensor") else boxes


@pytest.mark.parametrize("name", [FPN_1X, FPN_2X, C4_1X])
def test_val_pictures_are_those_of_mmdet(name: str, coco: Path) -> None:
    config = load_config(PROTOCOLS[name].path)
    theirs = stock("mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py")
    ours, boxes = preprocessed(config, coco, "val")
    expected, their_boxes = preprocessed(theirs, coco, "val")
    if name == C4_1X:  # detectron2 pads to the largest of the batch only
        assert ours.shape == (1, 3, 923, 800)
        expected = expected[..., :923, :800]
    assert torch.equal(ours, expected) and torch.equal(boxes, their_boxes)
    assert abs(float(ours.mean())) < 0.5 and 0.5 < float(ours.std()) < 1.5


@pytest.mark.parametrize("name", [VIT_B, VIT_GLOBAL])
def test_jittered_pictures_are_those_of_mmdet(name: str, coco: Path) -> None:
    theirs = stock(
        "strong_baselines/mask-rcnn_r50_fpn_rpn-2conv_4conv1fc_syncbn-all_lsj-100e_coco.py"
    )
    config = load_config(PROTOCOLS[name].path)
    ours, boxes = preprocessed(config, coco, "train")
    expected, their_boxes = preprocessed(theirs, coco, "train")
    assert ours.shape == (1, 3, 1024, 1024)
    assert torch.equal(ours, expected) and torch.equal(boxes, their_boxes)
