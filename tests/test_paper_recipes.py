"""What the recipes of the profile `paper` promise: published, matched, or one step from a base."""

from __future__ import annotations

import importlib
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

if not all(find_spec(name) for name in ("torch", "mmcv", "mmpretrain")):
    pytest.skip("needs the whole mm stack", allow_module_level=True)

import torch  # noqa: E402
from mmengine.config import Config  # noqa: E402
from mmengine.model import revert_sync_batchnorm  # noqa: E402
from mmengine.registry import MODELS, init_default_scope  # noqa: E402

from mrcl_bench.catalog import load_catalog  # noqa: E402
from mrcl_bench.engine.runtime import import_custom  # noqa: E402
from mrcl_bench.resolve import config_sha256, load_config, load_spec  # noqa: E402

CATALOG = load_catalog()
RECIPES = {
    spec.name: spec
    for spec in CATALOG.recipes.values()
    if "paper" in spec.profiles and spec.role != "floor"
}
WITH_FILE = {name: spec for name, spec in RECIPES.items() if not spec.overrides}
SWEPT = {name: spec for name, spec in RECIPES.items() if spec.overrides}
STOCK = Path(str(importlib.import_module("mmpretrain").__file__)).parent / ".mim/configs"
PUBLISHED = {
    "mae_vit-base-p16_8xb512-amp-coslr-300e_in1k",
    "mae_vit-base-p16_8xb512-amp-coslr-800e_in1k",
    "mae_vit-base-p16_8xb512-amp-coslr-1600e_in1k",
    "mocov2_resnet50_8xb32-coslr-200e_in1k",
    "mocov3_resnet50_8xb512-amp-coslr-100e_in1k",
    "mocov3_resnet50_8xb512-amp-coslr-300e_in1k",
    "mocov3_vit-base-p16_16xb256-amp-coslr-300e_in1k",
    "mocov3_vit-small-p16_16xb256-amp-coslr-300e_in1k",
    "simclr_resnet50_16xb256-coslr-200e_in1k",
    "simclr_resnet50_16xb256-coslr-800e_in1k",
    "simclr_resnet50_8xb32-coslr-200e_in1k",
}
DEFAULTS: dict[str, dict[str, Any]] = {
    "MAEViT": {"img_size": 224},
    "MAEPretrainDecoder": {"num_patches": 196},
    "MoCoV3ViT": {"out_type": "cls_token"},
}
"""What our files say and mmpretrain's leave to the class."""
COLOURS = {"RandomApply", "RandomGrayscale", "GaussianBlur"}


def views(config: Any) -> list[list[Any]]:
    """What is done to a picture for each of its views."""
    steps = config.train_dataloader.dataset.pipeline
    assert steps[-1].type == "PackInputs"
    many = steps[0] if steps[0].type.startswith("Fused") else steps[1]  # it reads the file itself
    if many.type == "FusedView":
        return [list(many.transforms)]
    if "MultiView" not in many.type:
        return [list(steps[1:-1])]
    kinds, counts = many.transforms, many.num_views
    counts = [counts] if isinstance(counts, int) else counts
    return [list(kind) for kind, count in zip(kinds, counts, strict=True) for _ in range(count)]


def test_what_is_published_is_listed() -> None:
    """A recipe that bears the name of one of mmpretrain's is held to it below."""
    stock = {path.stem for path in STOCK.rglob("*.py")}
    assert {name for name in WITH_FILE if name in stock} == PUBLISHED


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_published_recipes_are_what_the_library_ships(name: str) -> None:
    ours = load_spec(RECIPES[name])
    stock = Config.fromfile(next(STOCK.rglob(f"{name}.py")))
    assert ours.optim_wrapper == stock.optim_wrapper
    assert ours.train_cfg.max_epochs == stock.train_cfg.max_epochs

    def plain(schedulers: Any) -> list[dict[str, Any]]:
        end = {"end": ours.train_cfg.max_epochs}
        return [{"begin": 0, **({} if "T_max" not in s else end), **s} for s in schedulers]

    assert plain(ours.param_scheduler) == plain(stock.param_scheduler)
    model = ours.model.to_dict()
    processor = model.pop("data_preprocessor")
    assert (processor["mean"], processor["std"], processor["to_rgb"]) == (
        stock.data_preprocessor.mean,
        stock.data_preprocessor.std,
        stock.data_preprocessor.to_rgb,
    )
    expected = stock.model.to_dict()
    for part in ("backbone", "neck"):
        for key, default in DEFAULTS.get(model[part]["type"], {}).items():
            assert model[part].pop(key) == default and key not in expected[part]
    if "vit-small" in name:
        assert model["backbone"].pop("arch") == "deit-small"  # 6 heads; see the file
        assert expected["backbone"].pop("arch") == "mocov3-small"
    assert model == expected

    silent = dict(type="Solarize", thr=128, prob=0.0)
    assert views(ours) == [[s for s in view if s != silent] for view in views(stock)]


def test_the_default_vit_recipes_were_trained_alike() -> None:
    default = CATALOG.select_recipes("paper", [])
    for label in ("vit-base-p16", "vit-small-p16"):
        configs = {
            recipe.algorithm: load_spec(recipe)
            for recipe in default
            if recipe.backbone == label and recipe.role not in ("floor", "ceiling")
        }
        assert set(configs) == {"mrcl", "simclr", "moco", "mae"}
        for algorithm, config in configs.items():
            assert config.auto_scale_lr.base_batch_size == 4096
            assert config.train_cfg.max_epochs == 300
            if algorithm != "mae":
                assert views(config) == views(configs["moco"])
                wrapper = config.optim_wrapper
                assert wrapper.optimizer == configs["moco"].optim_wrapper.optimizer
                assert config.param_scheduler == configs["moco"].param_scheduler


def test_the_default_small_vit_is_the_base_one_made_smaller() -> None:
    default = {r.algorithm: r for r in CATALOG.select_recipes("paper", []) if "small" in r.backbone}
    for algorithm, recipe in default.items():
        big = next(
            r
            for r in CATALOG.select_recipes("paper", [algorithm])
            if r.backbone == "vit-base-p16" and not r.on_request
        )
        for key in ("optim_wrapper", "param_scheduler", "train_cfg", "auto_scale_lr"):
            assert load_spec(recipe)[key] == load_spec(big)[key], (recipe.name, key)
        assert views(load_spec(recipe)) == views(load_spec(big))


def test_the_default_resnet_recipes_share_what_they_say() -> None:
    def config(stem: str) -> Any:
        return load_spec(RECIPES[stem])

    mrcl = config("mrcl_resnet50_8xb512-amp-coslr-200e_in1k")
    simclr = config("simclr_resnet50_16xb256-coslr-200e_in1k")
    assert views(mrcl) == views(config("mocov2_resnet50_8xb32-coslr-200e_in1k"))
    assert mrcl.optim_wrapper.optimizer == simclr.optim_wrapper.optimizer
    assert mrcl.param_scheduler == simclr.param_scheduler


@pytest.mark.parametrize(
    ("label", "models"),
    [
        ("vit-base-p16", {"MRCL", "SimCLR", "MoCoV3", "MAE"}),
        ("vit-small-p16", {"MRCL", "SimCLR", "MoCoV3", "MAE"}),
        ("resnet50", {"MRCL", "SimCLR", "MoCo", "MoCoV3"}),
    ],
)
def test_matched_recipes_share_budget_schedule_and_augmentation(
    label: str, models: set[str]
) -> None:
    recipes = CATALOG.select_recipes("paper", [f"matched-{label}"])
    assert all(recipe.on_request and recipe.backbone == label for recipe in recipes)
    configs = {config.model.type: config for config in map(load_spec, recipes)}
    assert set(configs) == models and len(recipes) == len(models)
    first = configs["MRCL"]
    for config in configs.values():
        for key in ("optim_wrapper", "param_scheduler", "train_cfg", "auto_scale_lr"):
            assert config[key] == first[key], (config.model.type, key)
        loader = {**config.train_dataloader, "dataset": None}
        assert loader == {**first.train_dataloader, "dataset": None}
        dataset = {**config.train_dataloader.dataset, "pipeline": None}
        assert dataset == {**first.train_dataloader.dataset, "pipeline": None}
    # batch, epochs and pictures being equal, so are images seen and optimiser steps
    assert "custom_hooks" not in first

    one, two = views(first)
    assert one == two
    for kind, config in configs.items():
        if kind == "MAE":
            assert views(config) == [[step for step in one if step.type not in COLOURS]]
            assert len(views(config)[0]) == 2
        else:
            assert views(config) == [one, two]


def test_matched_models_are_those_of_the_recipes_beside_them() -> None:
    for recipe in WITH_FILE.values():
        if recipe.family.startswith("matched-"):
            kind = recipe.name.split("_")[0]
            (other,) = (
                r
                for r in CATALOG.select_recipes("paper", [])
                if r.name.split("_")[0] == kind and r.backbone == recipe.backbone
            )
            assert load_spec(recipe).model == load_spec(other).model


def one_layer(config: Any) -> Any:
    """Makes a ViT one layer deep, and its decoder, at full width."""
    model = config.model
    if "vit" in model.backbone.type.lower():
        width, heads = {"base": (768, 12), "b": (768, 12), "deit-small": (384, 6)}[
            model.backbone.arch
        ]
        model.backbone.arch = dict(
            embed_dims=width, num_layers=1, num_heads=heads, feedforward_channels=4 * width
        )
        for part in ("neck", "decoder"):
            if "decoder_depth" in model.get(part, {}):
                model[part].decoder_depth = 1
    return config


def distinct_models() -> list[str]:
    """One recipe for each model among the recipes, and the points that switch a part off."""
    off = [spec for spec in SWEPT.values() if not any(spec.overrides.values())]
    return list({str(load_spec(s).model): s.name for s in [*off, *WITH_FILE.values()]}.values())


@pytest.mark.parametrize("name", distinct_models())
def test_every_trained_weight_gets_a_gradient(name: str) -> None:
    """Else DistributedDataParallel stops at the second step."""
    from mmpretrain.structures import DataSample

    config = one_layer(load_spec(RECIPES[name]))
    import_custom(config)
    init_default_scope("mmpretrain")
    torch.manual_seed(0)
    model = revert_sync_batchnorm(MODELS.build(config.model)).train()
    model.init_weights()
    side = 64 if RECIPES[name].backbone == "resnet50" else 224
    images = [torch.randn(2, 3, side, side) for _ in views(config)]
    labels = [DataSample().set_gt_label(k) for k in (1, 2)]
    single = config.model.type in ("ImageClassifier", "MAE")
    losses = model.loss(images[0] if single else images, labels)
    sum(value for key, value in losses.items() if "loss" in key).backward()
    without = [key for key, p in model.named_parameters() if p.requires_grad and p.grad is None]
    assert without == []


def test_sweep_of_the_ablations() -> None:
    family = CATALOG.select_recipes("paper", ["mrcl-ablation-vit-base-p16"])
    base, points = family[0], family[1:]
    assert base.name == "mrcl_vit-base-p16_8xb128-amp-matched-coslr-100e_in1k"
    assert points == list(SWEPT.values()) and all(point.on_request for point in points)
    models = [load_spec(recipe).model for recipe in family]
    settings = {(m.mask_ratio, m.reconstruct_weight, m.contrast_weight) for m in models}
    assert {(r, w, 1.0) for r in (0.0, 0.5) for w in (0.0, 1.0)} <= settings
    assert {r for r, *weights in settings if weights == [1.0, 1.0]} >= {0.25, 0.5, 0.75, 0.9}
    assert len({w for r, w, _ in settings if r == 0.5}) >= 4
    assert (0.5, 1.0, 0.0) in settings
    assert len(settings) == len(family)
    assert len({config_sha256(load_spec(recipe)) for recipe in family}) == len(family)


@pytest.mark.parametrize("name", SWEPT)
def test_a_points_name_says_what_its_config_does(name: str) -> None:
    config, base = load_spec(SWEPT[name]), load_config(SWEPT[name].path)
    stem, *changes = name.split("__")
    assert stem == SWEPT[name].path.stem
    assert re.fullmatch(r"[\w.=+-]+", name) and len(name) < 200
    for change in changes:
        key, value = change.split("=")
        assert config.model.pop(key) == float(value)
        assert base.model.pop(key) != float(value)
    assert config.to_dict() == base.to_dict()


def test_switched_off_means_not_there() -> None:
    def model(*changes: str) -> Any:
        base = CATALOG.select_recipes("paper", ["mrcl-ablation-vit-base-p16"])[0]
        name = "__".join([base.name, *changes])
        config = one_layer(load_spec(RECIPES[name]))
        import_custom(config)
        init_default_scope("mmpretrain")
        with torch.device("meta"):
            return MODELS.build(config.model).eval()

    neither = model("mask_ratio=0.0", "reconstruct_weight=0.0")
    assert not hasattr(neither, "decoder") and not neither.with_head
    images = torch.zeros(2, 3, 224, 224, device="meta")
    assert neither.masker.encode(neither.backbone, [images], neither.mask_ratio).mask is None
    losses = neither.loss([images, images])
    assert {key for key in losses if key.startswith("loss")} == {"loss_contrast"}

    unmasked = model("mask_ratio=0.0")
    assert hasattr(unmasked, "decoder") and unmasked.mask_ratio == 0
    unguided = model("reconstruct_weight=0.0")
    assert not hasattr(unguided, "decoder") and unguided.mask_ratio == 0.5
    tokens = unguided.masker.encode(unguided.backbone, [images], 0.5).features
    assert tokens.shape[1] == 1 + 98


def test_the_document_lists_every_recipe_and_says_what_it_does() -> None:
    text = (Path(__file__).parent.parent / "docs/recipes.md").read_text()
    row = re.compile(
        r"^\| `(\S+_in1k)` \| (\d+) \| (\d+) \| (\w+), (\S+) \| (.*) \|$", re.MULTILINE
    )
    rows = row.findall(text)
    assert sorted(name for name, *_ in rows) == sorted(WITH_FILE)
    published = {name for name, *_, note in rows if note.startswith("published")}
    assert published == PUBLISHED
    for name, batch, epochs, optimiser, rate, _ in rows:
        config = load_spec(WITH_FILE[name])
        used = config.optim_wrapper.optimizer
        assert (config.auto_scale_lr.base_batch_size, config.train_cfg.max_epochs) == (
            int(batch),
            int(epochs),
        ), name
        assert (used.type, used.lr) == (optimiser, pytest.approx(float(rate))), name
    by_default, on_request = text.split("## On request")
    for name, spec in WITH_FILE.items():
        assert (f"`{name}` |" in on_request) == spec.on_request
        assert (f"`{name}` |" in by_default) != spec.on_request
    for sweep in CATALOG.sweeps.values():
        assert f"| `{sweep.family}` |" in text
