"""Classification in the profile `paper`: every number against its source, without training."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

if not all(find_spec(name) for name in ("torch", "mmcv", "mmpretrain")):
    pytest.skip("needs mmpretrain", allow_module_level=True)

import cv2  # noqa: E402
import mmpretrain  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from mmengine.config import Config  # noqa: E402
from mmengine.registry import init_default_scope  # noqa: E402

from mrcl_bench.backbone_weights import load_backbone  # noqa: E402
from mrcl_bench.catalog import load_catalog  # noqa: E402
from mrcl_bench.engine.runtime import import_custom  # noqa: E402
from mrcl_bench.resolve import load_config, relocate  # noqa: E402

PROTOCOLS = {
    spec.name: spec
    for spec in load_catalog().protocols.values()
    if spec.profiles == ("paper",) and spec.task == "classification"
}
STOCK = Path(mmpretrain.__file__).parent / ".mim" / "configs"
WIDTHS = {"resnet50": 2048, "vit-base-p16": 768, "vit-small-p16": 384}

SGD = "resnet50_8xb32-linear-sgd-steplr-100e_in1k"
MOCOV3 = "{}_8xb128-linear-sgd-coslr-90e_in1k"
SIMSIAM = "resnet50_8xb512-linear-lars-coslr-90e_in1k"
LARS = "{}_8xb2048-amp-linear-lars-coslr-90e_in1k"
LARS_MEAN = "{}_8xb2048-amp-linear-lars-mean-coslr-90e_in1k"
FINETUNE = "{}_8xb128-finetune-coslr-100e_in1k"
FINETUNE_R50 = "resnet50_8xb256-finetune-coslr-100e_in1k"
SIMCLR_1, SIMCLR_10 = (
    f"resnet50_8xb512-finetune-coslr-{epochs}e_in1k-{percent}pct"
    for epochs, percent in ((60, 1), (30, 10))
)
SEMI_VIT_1, SEMI_VIT_10 = (
    f"vit-base-p16_8xb64-finetune-coslr-100e_in1k-{percent}pct" for percent in (1, 10)
)
VITS = ("vit-base-p16", "vit-small-p16")


def config_of(name: str) -> Any:
    """Loads a config and makes its classes known."""
    config = load_config(PROTOCOLS[name].path)
    import_custom(config)
    init_default_scope(config.default_scope)
    return config


def build(name: str) -> Any:
    """Builds a config's whole model; a ViT's backbone without memory for its weights."""
    from mmengine.registry import MODELS

    config = config_of(name)
    # mmpretrain's ResNet reads a tensor while it is built, which a meta tensor refuses
    with torch.device("cpu" if "resnet50" in name else "meta"):
        return MODELS.build(config.model)


def optimiser_of(name: str) -> tuple[Any, Any]:
    """Builds a config's model and optimiser, the latter without mixed precision."""
    from mmengine.optim import build_optim_wrapper

    model, config = build(name), config_of(name)
    wrapper = config.optim_wrapper
    wrapper.type = "OptimWrapper"  # the mixed-precision one wants a GPU to be built at all
    return model, build_optim_wrapper(model, wrapper).optimizer


def test_the_default_is_small_and_standard() -> None:
    default = {(spec.backbone, spec.family) for spec in PROTOCOLS.values() if not spec.on_request}
    assert default == {
        *((vit, f) for vit in VITS for f in ("linear-lars", "knn", "knn-cls", "finetune")),
        *(("resnet50", family) for family in ("linear-sgd", "knn", "finetune")),
    }
    asked = {(spec.backbone, spec.family) for spec in PROTOCOLS.values() if spec.on_request}
    assert asked == {
        *((vit, f) for vit in VITS for f in ("linear", "linear-cls", "linear-lars-mean")),
        *((backbone, "linear-mocov3") for backbone in WIDTHS),
        *((backbone, f) for backbone in WIDTHS for f in ("svm", "svm-low-shot")),
        *((b, f"finetune-{n}pct") for b in ("resnet50", "vit-base-p16") for n in (1, 10)),
        ("resnet50", "linear"),
        ("resnet50", "linear-simsiam"),
    }


# optimiser, learning rate, decay, batch, epochs, warm-up epochs, end of the cosine or the steps
TABLE: dict[str, tuple[str, float, float, int, int, int, Any]] = {
    SGD: ("SGD", 30.0, 0.0, 256, 100, 0, [60, 80]),
    MOCOV3.format("resnet50"): ("SGD", 0.4, 0.0, 1024, 90, 0, 0.0),
    **{MOCOV3.format(vit): ("SGD", 0.4, 0.0, 1024, 90, 0, 0.0) for vit in VITS},
    SIMSIAM: ("LARS", 1.6, 0.0, 4096, 90, 0, 0.0),
    **{LARS.format(vit): ("LARS", 6.4, 0.0, 16384, 90, 10, 0.0) for vit in VITS},
    **{LARS_MEAN.format(vit): ("LARS", 6.4, 0.0, 16384, 90, 10, 0.0) for vit in VITS},
    **{FINETUNE.format(vit): ("AdamW", 2e-3, 0.05, 1024, 100, 5, 1e-6) for vit in VITS},
    FINETUNE_R50: ("Lamb", 8e-3, 0.02, 2048, 100, 5, 1e-6),
    SIMCLR_1: ("SGD", 0.8, 0.0, 4096, 60, 0, 0.0),
    SIMCLR_10: ("SGD", 0.8, 0.0, 4096, 30, 0, 0.0),
    SEMI_VIT_1: ("AdamW", 1e-4, 0.05, 512, 100, 5, 1e-6),
    SEMI_VIT_10: ("AdamW", 5e-4, 0.05, 512, 100, 5, 1e-6),
}
TRAINED = sorted(TABLE)
PROBES = [name for name in TRAINED if "-linear-" in name]


def test_the_table_knows_every_trained_protocol() -> None:
    assert set(TABLE) == {n for n, spec in PROTOCOLS.items() if not spec.batched}


@pytest.mark.parametrize("name", TRAINED)
def test_schedule_is_the_published_one(name: str) -> None:
    config = config_of(name)
    kind, rate, decay, batch, epochs, warm_up, end = TABLE[name]
    optimizer = config.optim_wrapper.optimizer
    assert (optimizer.type, optimizer.weight_decay) == (kind, decay)
    assert optimizer.lr == pytest.approx(rate)
    assert optimizer.get("momentum", 0.9) == 0.9
    assert optimizer.get("nesterov", False) == (name in (SIMCLR_1, SIMCLR_10))
    assert config.auto_scale_lr == dict(enable=False, base_batch_size=batch)
    assert config.train_cfg.max_epochs == epochs
    *first, last = config.param_scheduler
    assert [(s.type, s.begin, s.end) for s in first] == ([("LinearLR", 0, warm_up)] * (warm_up > 0))
    if isinstance(end, list):
        assert (last.type, last.milestones, last.gamma) == ("MultiStepLR", end, 0.1)
    else:
        assert last.type == "CosineAnnealingLR"
        assert (last.begin, last.end, last.T_max) == (warm_up, epochs, epochs - warm_up)
        assert last.get("eta_min", 0.0) == end


@pytest.mark.parametrize("name", TRAINED)
def test_stem_says_what_the_config_does(name: str) -> None:
    config, words = config_of(name), re.split(r"[_-]", name)
    gpus, batch = map(int, re.search(r"_(\d+)xb(\d+)-", name).groups())
    assert config.train_dataloader.batch_size == batch
    assert config.auto_scale_lr.base_batch_size == gpus * batch
    epochs = int(re.search(r"-(\d+)e_in1k", name)[1])
    assert (config.train_cfg.type, config.train_cfg.max_epochs) == ("EpochBasedTrainLoop", epochs)
    assert (config.train_cfg.val_interval, config.val_cfg.type) == (epochs, "ValLoop")
    kinds = {scheduler.type for scheduler in config.param_scheduler}
    assert ("coslr" in words) == ("CosineAnnealingLR" in kinds)
    assert ("steplr" in words) == ("MultiStepLR" in kinds)
    assert ("amp" in words) == (config.optim_wrapper.type == "AmpOptimWrapper")
    assert ("sgd" in words) == (config.optim_wrapper.optimizer.type == "SGD" and name in PROBES)
    assert ("lars" in words) == (config.optim_wrapper.optimizer.type == "LARS")
    share = re.search(r"_in1k-(\d+)pct$", name)
    dataset = config.train_dataloader.dataset
    assert dataset.type == ("ListedFolder" if share else "CustomDataset")
    if share:
        assert dataset.share == int(share[1]) / 100
        assert dataset.names == f"data/imagenet/subsets/{share[1]}percent.txt"
        assert PROTOCOLS[name].adapter == "semi_supervised"


@pytest.mark.parametrize("name", PROTOCOLS)
def test_backbone_and_data_are_those_of_the_stem(name: str) -> None:
    spec, config = PROTOCOLS[name], config_of(name)
    assert name.startswith(spec.backbone + "_")
    assert (spec.data, "_voc07" in name) in (("imagenet", False), ("voc07", True))
    assert config.load_from is None
    assert config.model.data_preprocessor.mean == [123.675, 116.28, 103.53]
    assert "https:" not in spec.path.read_text()
    root = {"imagenet": "data/imagenet", "voc07": "data/VOCdevkit/VOC2007"}[spec.data]
    for split in ("train", "val"):
        assert config[f"{split}_dataloader"].dataset.data_root.startswith(root)
    backbone = config.model.backbone
    if spec.backbone == "resnet50":
        assert (backbone.type, backbone.depth, backbone.style) == ("ResNet", 50, "pytorch")
    else:
        arch = {"vit-base-p16": "base", "vit-small-p16": "deit-small"}[spec.backbone]
        assert (backbone.arch, backbone.patch_size) == (arch, 16)


@pytest.mark.parametrize("name", PROBES)
def test_probe_has_a_fair_sweep_around_what_was_published(name: str) -> None:
    spec, config = PROTOCOLS[name], config_of(name)
    published = 12.0 if "sgd-coslr" in name and "vit" in name else TABLE[name][1]
    rates = config.model.head.lr
    assert published in [pytest.approx(rate) for rate in rates]
    assert rates[0] < published < rates[-1], "no published value at an edge"
    assert rates[-1] / rates[0] >= 60
    assert (spec.adapter, config.probe.held_out) == ("linear_trained", 0.02)
    assert config.model.type == "FrozenClassifier"
    assert config.val_evaluator == dict(type="HeadAccuracy")
    mae = name in [*map(LARS.format, VITS), *map(LARS_MEAN.format, VITS)]
    assert config.model.head.get("norm_eps") == (1e-6 if mae else None)
    assert config.model.head.get("truncated", False) == mae
    assert config.train_dataloader.drop_last == mae
    crop, flip = config.train_dataloader.dataset.pipeline[1:3]
    assert (crop.type, crop.scale, crop.backend) == ("RandomResizedCrop", 224, "pillow")
    assert crop.get("interpolation", "bilinear") == ("bicubic" if mae else "bilinear")
    assert (flip.type, flip.prob) == ("RandomFlip", 0.5)
    assert len(config.train_dataloader.dataset.pipeline) == 4, "weak augmentation only"
    cls = "vit" in name and "-mean-" not in name
    assert (config.model.backbone.get("out_type") == "cls_token") == cls
    assert (config.model.neck is None) == cls


@pytest.mark.parametrize("name", PROBES)
def test_only_heads_are_optimised_each_at_its_rate(name: str) -> None:
    model, optimizer = optimiser_of(name)
    rates = config_of(name).model.head.lr
    groups = optimizer.param_groups
    assert [group["lr"] for group in groups] == [rate for rate in rates for _ in ("w", "b")]
    optimised = {id(parameter) for group in groups for parameter in group["params"]}
    wanted = {id(p) for p in model.parameters() if p.requires_grad}
    assert optimised == wanted == {id(p) for p in model.head.parameters()}
    excluded = [group.get("lars_exclude", False) for group in groups]
    assert excluded == (
        [False, True] * len(rates) if "-amp-linear-lars" in name else [False] * len(groups)
    )


def test_mae_fine_tuning() -> None:
    for vit in VITS:
        config = config_of(FINETUNE.format(vit))
        assert config.optim_wrapper.paramwise_cfg.layer_decay_rate == 0.65
        assert config.model.backbone.drop_path_rate == 0.1
        assert config.model.head.in_channels == WIDTHS[vit]
        assert config.model.neck.type == "GlobalAveragePooling"
        augments = [(a.type, a.alpha) for a in config.model.train_cfg.augments]
        assert augments == [("Mixup", 0.8), ("CutMix", 1.0)]
        steps = {step.type: step for step in config.train_dataloader.dataset.pipeline}
        assert steps["RandomErasing"].erase_prob == 0.25
        assert steps["RandAugment"].magnitude_level == 9


def test_semi_vit_fine_tuning() -> None:
    few, more = config_of(SEMI_VIT_1), config_of(SEMI_VIT_10)
    assert few.model.backbone.drop_path_rate == 0 and few.model.train_cfg is None
    assert [step.type for step in few.train_dataloader.dataset.pipeline] == [
        "LoadImageFromFile", "RandomResizedCrop", "RandomFlip", "RandAugment", "PackInputs",
    ]  # fmt: skip
    plain = config_of(FINETUNE.format("vit-base-p16"))
    assert more.model == plain.model
    assert more.train_dataloader.dataset.pipeline == plain.train_dataloader.dataset.pipeline
    for config in (few, more):
        assert config.optim_wrapper.paramwise_cfg.layer_decay_rate == 0.65
        assert config.model.head.loss.label_smooth_val == 0.1


def test_resnet_fine_tuning_is_the_installed_a3() -> None:
    config = config_of(FINETUNE_R50)
    stock = Config.fromfile(STOCK / "resnet/resnet50_8xb256-rsb-a3-100e_in1k.py")
    assert config.optim_wrapper.optimizer == stock.optim_wrapper.optimizer
    assert config.optim_wrapper.paramwise_cfg == stock.optim_wrapper.paramwise_cfg
    assert config.param_scheduler == stock.param_scheduler
    assert config.model.train_cfg == stock.model.train_cfg
    assert config.model.head.loss == stock.model.head.loss
    assert config.model.backbone.norm_cfg == stock.model.backbone.norm_cfg


@pytest.mark.parametrize("percent", [1, 10])
def test_simclr_few_labels(percent: int) -> None:
    config = config_of({1: SIMCLR_1, 10: SIMCLR_10}[percent])
    steps = [step.type for step in config.train_dataloader.dataset.pipeline]
    assert steps == ["LoadImageFromFile", "RandomResizedCrop", "RandomFlip", "PackInputs"]
    assert "paramwise_cfg" not in config.optim_wrapper
    assert "train_cfg" not in config.model and "use_sigmoid" not in config.model.head.loss


@pytest.mark.parametrize("name", [n for n in PROTOCOLS if "_svm" in n])
def test_svm_of_voc07(name: str) -> None:
    spec, config = PROTOCOLS[name], config_of(name)
    assert sorted(config.svm.cost) == config.svm.cost
    assert set(config.svm.cost) == {0.01, 0.1, *(0.5**power for power in range(4, 20))}
    assert config.svm.max_iter == 2000
    splits = [config[f"{split}_dataloader"].dataset.split for split in ("train", "val")]
    assert splits == ["trainval", "test"]
    if "low-shot" in name:
        assert config.svm.shots == [1, 2, 4, 8, 16, 32, 64, 96]
        assert (spec.adapter, spec.main_metric, spec.seeds) == ("svm_low_shot", "val/mAP_16", 5)
    else:
        assert (spec.adapter, spec.main_metric) == ("svm", "val/mAP")
        assert config.svm.folds == 3


def mae_layer(name: str, layers: int) -> int:
    """The layer that MAE's `util/lr_decay.py` gives a parameter of its own network."""
    if name in ("cls_token", "pos_embed") or name.startswith("patch_embed"):
        return 0
    if name.startswith("blocks"):
        return int(name.split(".")[1]) + 1
    return layers


def mae_name(name: str) -> str:
    """Our parameter's name in MAE's network."""
    name = name.removeprefix("backbone.").replace("layers.", "blocks.")
    return {"ln1.weight": "fc_norm.weight", "ln1.bias": "fc_norm.bias"}.get(name, name)


@pytest.mark.parametrize("name", [*map(FINETUNE.format, VITS), SEMI_VIT_1, SEMI_VIT_10])
def test_layer_decay_is_maes_for_every_parameter(name: str) -> None:
    model, optimizer = optimiser_of(name)
    rate = TABLE[name][1]
    groups = {group["param_name"]: group for group in optimizer.param_groups}
    assert set(groups) == {key for key, _ in model.named_parameters()}
    depth = 12 + 1
    for key, parameter in model.named_parameters():
        scale = 0.65 ** (depth - mae_layer(mae_name(key), depth))
        assert groups[key]["lr"] == pytest.approx(rate * scale, rel=1e-9), key
        bare = parameter.ndim == 1 or mae_name(key) in ("cls_token", "pos_embed")
        assert groups[key]["weight_decay"] == (0 if bare else 0.05), key
    assert mae_layer("blocks.11.norm1.weight", depth) == 12
    assert groups["head.fc.weight"]["lr"] == pytest.approx(rate)


@lru_cache(maxsize=3)
def weights_of(backbone: str) -> dict[str, torch.Tensor]:
    """Random weights with the names and shapes of a label."""
    from mmpretrain.registry import MODELS

    config = {
        "resnet50": dict(type="ResNet", depth=50, out_indices=(3,)),
        "vit-base-p16": dict(type="VisionTransformer", arch="base", out_type="featmap"),
        "vit-small-p16": dict(type="VisionTransformer", arch="deit-small", out_type="featmap"),
    }
    init_default_scope("mmpretrain")
    torch.manual_seed(0)
    built = MODELS.build(config[backbone])
    return {k: v.detach().clone() for k, v in built.state_dict().items()}


@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_weights_of_the_backbone_fit_whole(name: str) -> None:
    weights = weights_of(PROTOCOLS[name].backbone)
    model = build(name).eval()
    if "vit" in name:
        model = model.to_empty(device="cpu")
    report = load_backbone(model.backbone, weights)
    assert report.loaded == len(weights)
    assert (report.missing, report.unexpected, report.resized) == ([], [], [])
    frozen = name in PROBES
    assert {p.requires_grad for p in model.backbone.parameters()} == {not frozen}
    with torch.inference_mode():
        feature = model.extract_feat(torch.randn(1, 3, 224, 224))[-1]
        assert feature.shape == (1, WIDTHS[PROTOCOLS[name].backbone])
        if model.head is not None:
            scores = model.head((feature,))
            for score in scores if isinstance(scores, list) else [scores]:
                assert score.shape == (1, 1000)


PAIRS = {
    SGD: "mocov2/benchmarks/resnet50_8xb32-linear-steplr-100e_in1k.py",
    MOCOV3.format("resnet50"): "mocov3/benchmarks/resnet50_8xb128-linear-coslr-90e_in1k.py",
    **{
        MOCOV3.format(vit): f"mocov3/benchmarks/{vit}_8xb128-linear-coslr-90e_in1k.py"
        for vit in VITS
    },
    SIMSIAM: "simsiam/benchmarks/resnet50_8xb512-linear-coslr-90e_in1k.py",
    FINETUNE.format("vit-base-p16"): "mae/benchmarks/vit-base-p16_8xb128-coslr-100e_in1k.py",
    FINETUNE_R50: "resnet/resnet50_8xb256-rsb-a3-100e_in1k.py",
}
"""Protocol to the installed config of the same protocol."""


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("picture") / "a.JPEG"
    noise = np.random.default_rng(0).integers(0, 255, (40, 50, 3), dtype=np.uint8)
    cv2.imwrite(str(path), cv2.resize(noise, (401, 333), interpolation=cv2.INTER_CUBIC))
    return path


def network_input(pipeline: Any, processor: Any, picture: Path) -> torch.Tensor:
    """What a network is shown of a picture, randomness fixed."""
    import random

    from mmengine.dataset import Compose
    from mmpretrain.registry import MODELS

    init_default_scope("mmpretrain")
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    packed = Compose(pipeline)(dict(img_path=str(picture), gt_label=3))
    given = {k: v for k, v in processor.items() if k not in ("num_classes", "batch_augments")}
    built = MODELS.build({"type": "ClsDataPreprocessor", **given})
    batch = dict(inputs=[packed["inputs"]], data_samples=[packed["data_samples"]])
    return built(batch, training=False)["inputs"]


@pytest.mark.parametrize("split", ["train", "val"])
@pytest.mark.parametrize("name", PAIRS)
def test_a_picture_reaches_the_network_as_through_the_installed_config(
    name: str, split: str, picture: Path
) -> None:
    ours, stock = config_of(name), Config.fromfile(STOCK / PAIRS[name])
    shown = [
        network_input(config[f"{split}_dataloader"].dataset.pipeline, processor, picture)
        for config, processor in (
            (ours, ours.model.data_preprocessor),
            (stock, stock.data_preprocessor),
        )
    ]
    assert shown[0].shape == (1, 3, 224, 224)
    assert torch.equal(*shown)


def test_maes_probe_shows_pictures_bicubically(picture: Path) -> None:
    """The installed config is bilinear, MAE's own code is not; its fine-tuning agrees with MAE."""
    ours = config_of(LARS.format("vit-base-p16"))
    stock = Config.fromfile(STOCK / PAIRS[FINETUNE.format("vit-base-p16")])
    shown = [
        network_input(config.val_dataloader.dataset.pipeline, processor, picture)
        for config, processor in (
            (ours, ours.model.data_preprocessor),
            (stock, stock.data_preprocessor),
        )
    ]
    assert torch.equal(*shown)


@pytest.mark.parametrize("name", TRAINED)
def test_pipelines_read_a_picture(name: str, tmp_path: Path, picture: Path) -> None:
    from mmengine.registry import DATASETS

    for split in ("train", "val"):
        folder = tmp_path / "imagenet" / split / "n01440764"
        folder.mkdir(parents=True)
        (folder / "n01440764_1.JPEG").write_bytes(picture.read_bytes())
    config = config_of(name)
    relocate(config, tmp_path)
    for split in ("train", "val"):
        dataset = DATASETS.build(config[f"{split}_dataloader"].dataset)
        assert len(dataset) == 1
        assert dataset[0]["inputs"].shape == (3, 224, 224)


def test_the_document_lists_every_family() -> None:
    text = (Path(__file__).parents[1] / "docs" / "protocols-classification.md").read_text()
    rows = re.findall(
        r"^\| `([\w-]+)` \| ([\w, -]+) \| (by default|on request) \| (\d) \|", text, re.M
    )
    told = {
        (family, backbone, runs == "on request", int(seeds))
        for family, backbones, runs, seeds in rows
        for backbone in backbones.split(", ")
    }
    assert told == {
        (spec.family, spec.backbone, spec.on_request, spec.seeds) for spec in PROTOCOLS.values()
    }
