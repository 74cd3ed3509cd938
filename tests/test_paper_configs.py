"""The profile `paper` cannot be trained here; this holds what can be known without training."""

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

import pytest

if not all(find_spec(name) for name in ("torch", "mmcv", "mmdet", "mmseg", "mmpretrain")):
    pytest.skip("needs the whole mm stack", allow_module_level=True)

import cv2  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from mmengine.registry import init_default_scope  # noqa: E402

from mrcl_bench.backbone_weights import load_backbone  # noqa: E402
from mrcl_bench.catalog import load_catalog  # noqa: E402
from mrcl_bench.convert import convert  # noqa: E402
from mrcl_bench.engine.runtime import import_custom  # noqa: E402
from mrcl_bench.resolve import load_config  # noqa: E402
from mrcl_bench.spec import Protocol, Recipe  # noqa: E402

CATALOG = load_catalog()
RECIPES = {
    spec.name: spec
    for spec in CATALOG.recipes.values()
    if "paper" in spec.profiles and not spec.overrides
}
"""Those with a file, on request or not; a sweep's points are in `test_paper_recipes`."""
PROTOCOLS = {spec.name: spec for spec in CATALOG.select_protocols("paper", [])}
SPECS: dict[str, Recipe | Protocol] = {**RECIPES, **PROTOCOLS}
TRAINED = [name for name, spec in SPECS.items() if getattr(spec, "role", "") != "floor"]
FINETUNE = "vit-base-p16_8xb128-finetune-coslr-100e_in1k"


def config_of(name: str) -> Any:
    """Loads a config and makes its classes known."""
    config = load_config(SPECS[name].path)
    import_custom(config)
    init_default_scope(config.default_scope)
    return config


def build(name: str) -> Any:
    """Builds a config's whole model; a ViT's without memory for its weights."""
    from mmengine.registry import MODELS

    config = config_of(name)
    # mmpretrain's ResNet reads a tensor while it is built, which a meta tensor refuses
    with torch.device("cpu" if "resnet50" in name else "meta"):
        return MODELS.build(config.model)


@lru_cache(maxsize=1)
def weights_of(label: str) -> dict[str, torch.Tensor]:
    """Makes converted weights of a label's recipes, at random."""
    recipe = next((spec for spec in RECIPES.values() if spec.backbone == label), None)
    if recipe is None:
        pytest.skip(f"no recipe of {label}")
    shapes = convert(recipe.source, build(recipe.name).state_dict()).backbone
    torch.manual_seed(0)
    return {
        key: torch.empty(value.shape).uniform_(0, 0.02).to(value.dtype)
        for key, value in shapes.items()
    }


def walk(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    yield path, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from walk(item, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from walk(item, f"{path}.{index}")


def test_everything_of_the_profile_is_there() -> None:
    found = {(spec.backbone, spec.algorithm) for spec in CATALOG.select_recipes("paper", [])}
    everywhere = ("mrcl", "simclr", "moco", "supervised", "random")
    assert found == {
        *(("vit-base-p16", algorithm) for algorithm in (*everywhere, "mae")),
        *(("vit-small-p16", algorithm) for algorithm in (*everywhere, "mae")),
        *(("resnet50", algorithm) for algorithm in everywhere),
    }
    assert {(spec.backbone, spec.family) for spec in PROTOCOLS.values()} == {
        ("vit-base-p16", "linear-lars"),
        ("vit-base-p16", "knn"),
        ("vit-base-p16", "knn-cls"),
        ("vit-base-p16", "finetune"),
        ("vit-base-p16", "vitdet"),
        ("vit-base-p16", "upernet"),
        ("resnet50", "linear-sgd"),
        ("resnet50", "knn"),
        ("resnet50", "finetune"),
        *(("vit-small-p16", family) for family in ("linear-lars", "knn", "knn-cls", "finetune")),
        ("resnet50", "mask-rcnn"),
        ("resnet50", "mask-rcnn-c4"),
        ("resnet50", "faster-rcnn-c4"),
        ("resnet50", "fcn"),
        ("resnet50", "upernet"),
        ("vit-small-p16", "upernet"),
    }
    assert all(len(spec.profiles) == 1 for spec in SPECS.values())


@pytest.mark.parametrize("name", SPECS)
def test_no_foreign_weights_and_data_where_the_harness_expects_them(name: str) -> None:
    config = load_config(SPECS[name].path)
    assert config.load_from is None
    for path, value in walk(config.to_dict()):
        key = path.rsplit(".", 1)[-1]
        assert not (key == "pretrained" and value), path
        assert not (key == "checkpoint" and isinstance(value, str)), path
        assert value != "Pretrained", path
        assert not (isinstance(value, str) and "://" in value), path
    root = {
        "imagenet": "data/imagenet/",
        "coco": "data/coco/",
        "voc0712": "data/VOCdevkit/",
        "ade20k": "data/ade/ADEChallenge",
    }
    for split in ("train", "val"):
        loader = config.get(f"{split}_dataloader")
        if loader is not None:
            assert loader.dataset.data_root.startswith(root[SPECS[name].data])
    text = SPECS[name].path.read_text()
    assert not re.search(r"\w+::|https?:|torchvision:|open-mmlab:", text)
    assert config.model.data_preprocessor.mean == [123.675, 116.28, 103.53]
    processor = config.model.data_preprocessor
    assert processor.get("to_rgb") or processor.get("bgr_to_rgb")


SIZES = {"vit-base-p16": (85.8, 768), "vit-small-p16": (21.7, 384), "resnet50": (23.5, 2048)}
"""Backbone label to its parameters, in millions, and its width."""
SHAPES: dict[str, dict[str, dict[str, Any]]] = {}
"""Backbone label to recipe to its converted weights' shapes."""


@pytest.mark.parametrize("name", RECIPES)
def test_recipe_builds_at_full_width_and_converts(name: str) -> None:
    model = build(name)
    weights = convert(RECIPES[name].source, model.state_dict()).backbone
    count = sum(p.numel() for p in model.backbone.parameters()) / 1e6
    millions, width = SIZES[RECIPES[name].backbone]
    assert count == pytest.approx(millions, abs=0.1)
    if "vit" in name:
        assert weights["pos_embed"].shape == (1, 197, width)
        assert not any("ln2" in key and "layers" not in key for key in weights)
    shapes = {key: (tuple(value.shape), value.dtype) for key, value in weights.items()}
    of_label = SHAPES.setdefault(RECIPES[name].backbone, {})
    of_label[name] = shapes
    assert shapes == next(iter(of_label.values()))
    del model, weights


@pytest.mark.parametrize("name", [n for n in RECIPES if "vit" in n])
def test_positions_are_frozen_sin_cos(name: str) -> None:
    from mmpretrain.models.utils import build_2d_sincos_position_embedding

    config = config_of(name)
    # width and depth do not matter for this, and one layer initialises at once
    config.model.backbone.arch = dict(
        embed_dims=32, num_layers=1, num_heads=2, feedforward_channels=64
    )
    from mmpretrain.registry import MODELS

    backbone = MODELS.build(config.model.backbone)
    backbone.init_weights()
    expected = build_2d_sincos_position_embedding(14, 32, cls_token=True)
    torch.testing.assert_close(backbone.pos_embed.data, expected)
    assert not backbone.pos_embed.requires_grad


LABELS = {spec.backbone for spec in RECIPES.values()}
BUILT_HERE = [
    name
    for name, spec in PROTOCOLS.items()
    if spec.backbone in LABELS and spec.task != "detection"  # detectors: test_paper_detection.py
]


@pytest.mark.parametrize("name", BUILT_HERE)
def test_protocol_takes_the_weights_of_its_recipes_and_runs(name: str) -> None:
    weights = weights_of(PROTOCOLS[name].backbone)
    model = build(name).eval()
    if "vit" in name:
        model = model.to_empty(device="cpu")
    report = load_backbone(model.backbone, weights)
    assert report.loaded == len(weights) and report.unexpected == []
    resampled = "vit" in name and PROTOCOLS[name].task != "classification"
    assert report.resized == (["pos_embed"] if resampled else [])
    for key, value in model.backbone.state_dict().items():
        if key != "pos_embed" or not resampled:
            assert torch.equal(value, weights[key]), key
    frozen = PROTOCOLS[name].adapter == "linear_trained"
    assert all(p.requires_grad != frozen for p in model.backbone.parameters())
    assert not any(
        getattr(m, "frozen_stages", -1) > -1 or getattr(m, "norm_eval", False)
        for m in model.modules()
    )

    width = {"resnet50": 2048, "vit-base-p16": 768, "vit-small-p16": 384}[PROTOCOLS[name].backbone]
    image = torch.randn(1, 3, 128, 128)
    with torch.inference_mode():
        feats = model.extract_feat(image)
        if PROTOCOLS[name].task == "classification":
            assert feats[-1].shape == (1, width)
        else:
            strides = (4, 8, 8, 8) if "fcn" in name else (4, 8, 16, 32)
            assert [f.shape[-1] for f in feats] == [128 // stride for stride in strides]
            assert model.decode_head(feats).shape[1] == 150
    del model


def fake_image(path: Any, size: tuple[int, int] = (300, 260)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 255, (*size, 3), dtype=np.uint8))


def fake_data(root: Any) -> None:
    """Writes one picture per split of every set."""
    for split in ("train", "val"):
        fake_image(root / "imagenet" / split / "n01440764" / "a.JPEG")
        fake_image(root / "coco" / f"{split}2017" / "1.jpg")
        box = dict(id=1, image_id=1, category_id=18, bbox=[20, 30, 120, 90], area=10800, iscrowd=0)
        box["segmentation"] = [[20, 30, 140, 30, 140, 120, 20, 120]]
        labels = dict(
            images=[dict(id=1, file_name="1.jpg", width=260, height=300)],
            annotations=[box],
            categories=[dict(id=18, name="dog")],
        )
        file = root / "coco" / "annotations" / f"instances_{split}2017.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(labels))
    for year, split, stems in (
        ("2007", "trainval", "a"),
        ("2007", "test", "b"),
        ("2012", "trainval", ""),
    ):
        folder = root / "VOCdevkit" / f"VOC{year}"
        for part in ("Annotations", "ImageSets/Main"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / "ImageSets/Main" / f"{split}.txt").write_text(stems)
        for stem in stems:
            fake_image(folder / "JPEGImages" / f"{stem}.jpg")
            (folder / "Annotations" / f"{stem}.xml").write_text(
                "<annotation><size><width>260</width><height>300</height></size><object>"
                "<name>dog</name><difficult>0</difficult><bndbox><xmin>21</xmin><ymin>31</ymin>"
                "<xmax>140</xmax><ymax>120</ymax></bndbox></object></annotation>"
            )
    for split in ("training", "validation"):
        fake_image(root / "ade" / "ADEChallengeData2016" / "images" / split / "a.jpg")
        path = root / "ade" / "ADEChallengeData2016" / "annotations" / split / "a.png"
        path.parent.mkdir(parents=True)
        cv2.imwrite(str(path), np.tile(np.arange(260, dtype=np.uint8) % 151, (300, 1)))


@pytest.fixture(scope="module")
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Any:
    root = tmp_path_factory.mktemp("data")
    fake_data(root)
    return root


@pytest.mark.parametrize("name", TRAINED)
def test_pipelines_read_a_picture(name: str, data_root: Any) -> None:
    from mmengine.registry import DATASETS

    from mrcl_bench.resolve import relocate

    config = config_of(name)
    relocate(config, data_root)
    for split in ("train", "val"):
        loader = config.get(f"{split}_dataloader")
        if loader is None:
            continue
        dataset = DATASETS.build(loader.dataset)
        assert len(dataset) == 1
        inputs = dataset[0]["inputs"]
        views = inputs if isinstance(inputs, list) else [inputs]
        assert len(views) == (2 if config.model.type in {"MRCL", "SimCLR", "MoCo", "MoCoV3"} else 1)
        assert all(view.dtype == torch.uint8 for view in views)
        if SPECS[name].data == "imagenet":
            assert all(view.shape == (3, 224, 224) for view in views)


def test_mae_fine_tuning() -> None:
    config = load_config(PROTOCOLS[FINETUNE].path)
    wrapper, model = config.optim_wrapper, config.model
    batch = config.auto_scale_lr.base_batch_size
    assert batch == 1024
    assert wrapper.optimizer.lr == pytest.approx(5e-4 * batch / 256)
    assert wrapper.optimizer.weight_decay == 0.05
    assert wrapper.paramwise_cfg.layer_decay_rate == 0.65
    assert config.train_cfg.max_epochs == 100
    assert model.backbone.drop_path_rate == 0.1
    assert model.neck.type == "GlobalAveragePooling"
    assert model.train_cfg.augments == [
        dict(type="Mixup", alpha=0.8),
        dict(type="CutMix", alpha=1.0),
    ]
    pipeline = {step.type: step for step in config.train_dataloader.dataset.pipeline}
    assert pipeline["RandomErasing"].erase_prob == 0.25


@pytest.mark.parametrize(("name", "rate", "decay"), [(FINETUNE, 0.65, 0.05)])
def test_layer_decay_knows_every_name(name: str, rate: float, decay: float) -> None:
    from mmengine.optim import build_optim_wrapper

    model, config = build(name), config_of(name)
    wrapper = config.optim_wrapper
    wrapper.type = "OptimWrapper"  # the mixed-precision one wants a GPU to be built at all
    wrapper.pop("loss_scale", None)
    base = wrapper.optimizer.lr
    optimizer = build_optim_wrapper(model, wrapper).optimizer
    groups = {group["param_name"]: group for group in optimizer.param_groups}
    assert set(groups) == {key for key, _ in model.named_parameters()}
    for key, group in groups.items():
        if key.startswith("backbone.layers."):
            power = 12 - int(key.split(".")[2])
        elif key.startswith("backbone.ln1."):
            power = 0
        else:
            power = 13 if key.startswith("backbone.") else 0
        assert group["lr"] == pytest.approx(base * rate**power), key
    assert groups["backbone.pos_embed"]["weight_decay"] == 0
    assert groups["backbone.layers.3.ln1.weight"]["weight_decay"] == 0
    assert groups["backbone.layers.3.attn.qkv.weight"]["weight_decay"] == decay
    del model


def test_layer_decay_refuses_a_model_without_depths() -> None:
    from mrcl_bench.models.layer_decay import BackboneLayerDecay

    constructor = BackboneLayerDecay(
        dict(optimizer=dict(type="AdamW", lr=0.1)), dict(layer_decay_rate=0.5)
    )
    with pytest.raises(TypeError, match="get_layer_depth"):
        constructor(torch.nn.Linear(2, 2))
