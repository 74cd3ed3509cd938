"""Every listed config's stem is compared with what the config does; a wrong one is noticed."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mrcl_bench.catalog import Catalog, config_root
from mrcl_bench.data.stamps import SCENE_SIDE, SMALL_SIDE
from mrcl_bench.naming import parse_stem
from mrcl_bench.naming_check import contradictions
from mrcl_bench.spec import Protocol, Recipe
from mrcl_bench.workspace import Workspace

from .conftest import MICRO_CONFIGS

if not all(find_spec(name) for name in ("torch", "mmcv", "mmdet", "mmseg", "mmpretrain")):
    pytest.skip("needs the whole mm stack", allow_module_level=True)

from mmengine.registry import init_default_scope  # noqa: E402

from mrcl_bench.engine.runtime import import_custom  # noqa: E402
from mrcl_bench.fit import heads_of, shapes_of  # noqa: E402
from mrcl_bench.resolve import load_config  # noqa: E402

from .pictures import network_sizes  # noqa: E402

CATALOGS = [
    Catalog(root)
    for root in (config_root(), MICRO_CONFIGS, MICRO_CONFIGS.with_name("mm_configs_resnet"))
]
SPECS = {
    name: spec
    for catalog in CATALOGS
    for name, spec in {**catalog.recipes, **catalog.protocols}.items()
    if "__" not in name  # a sweep's point has its base's stem
}
_BACKBONES: dict[str, tuple[dict[str, tuple[int, ...]], int | None]] = {}


@cache
def _config(name: str) -> Any:
    config = load_config(SPECS[name].path)
    import_custom(config)
    return config


def _backbone(config: Any) -> tuple[dict[str, tuple[int, ...]], int | None]:
    """Shapes and heads of a config's backbone, equal ones built once."""
    import torch
    from mmengine.registry import MODELS

    plan = {**config.model.backbone.to_dict(), "_scope_": config.default_scope}
    key = repr(plan)
    if key not in _BACKBONES:
        try:
            with torch.device("meta"):
                built = MODELS.build(dict(plan))
        except (NotImplementedError, RuntimeError):  # it reads a value while it is built
            built = MODELS.build(dict(plan))
        _BACKBONES[key] = (dict(shapes_of(built.state_dict())), heads_of(built))
    return _BACKBONES[key]


def _own_picture(spec: Recipe | Protocol) -> np.ndarray | None:
    """A picture in the size of a set's own where it has one; some pipelines do not resize."""
    if spec.data not in ("stamps", "stamps-micro"):
        return None
    scene = isinstance(spec, Protocol) and spec.task != "classification"
    side = SCENE_SIDE if scene else SMALL_SIDE
    return np.random.default_rng(0).integers(0, 255, (side, side, 3), dtype=np.uint8)


@cache
def _facts(name: str) -> dict[str, Any]:
    """What is known of a config only by running parts of it."""
    config, spec = _config(name), SPECS[name]
    init_default_scope(config.default_scope)
    network, heads = _backbone(config)
    sizes: set[tuple[int, int]] = set()
    loaders = ["train"]
    if not isinstance(spec, Recipe) and spec.task == "classification":
        loaders = [kind for kind in ("train", "val", "test") if config.get(f"{kind}_dataloader")]
    if spec.data != "coco" or "lsj" in name:
        for loader in loaders:
            sizes |= network_sizes(config, loader, _own_picture(spec))
        assert len(sizes) == 1, sizes
    return {"network": network, "heads": heads, "size": sizes.pop() if sizes else None}


def _complaints(name: str, stem: str) -> list[str]:
    try:
        return contradictions(stem, SPECS[name], _config(name), **_facts(name))
    except ValueError as error:
        return [str(error)]


@pytest.mark.parametrize("name", SPECS)
def test_a_stem_says_what_its_config_does(name: str) -> None:
    assert _complaints(name, name) == []


@pytest.mark.parametrize(
    "name", [n for n, s in SPECS.items() if "paper" in s.profiles and "train_cfg" in _config(n)]
)
def test_a_schedule_of_the_paper_scale_says_all_of_itself(name: str) -> None:
    spec, config = SPECS[name], _config(name)
    loop = config.train_cfg
    assert config.auto_scale_lr.enable is False  # nothing is scaled silently
    if loop.type == "IterBasedTrainLoop":
        assert config.train_dataloader.sampler.type == "InfiniteSampler"
    if isinstance(spec, Protocol):
        # nothing is selected on the reporting split, so it is looked at once
        length = loop.get("max_iters") or loop.max_epochs
        assert loop.val_interval == length and config.val_cfg.type == "ValLoop"


_ALGORITHMS = ("mrcl", "simclr", "mocov2", "mocov3", "mae", "supervised", "random")
_LABELS = ("resnet18", "resnet50", "resnet101", "vit-128x4", "vit-64x4", "vit-128x6")
_LABELS += ("vit-tiny-p16", "vit-small-p16", "vit-base-p16", "vit-base-p14", "vit-large-p16")
_TAGS = ("in1k", "coco", "voc07", "voc0712", "ade20k-512x512", "cityscapes-512x1024")
_TAGS += ("stamps48", "stamps-96x96", "fashion-mnist48", "micro", "birds48", "in1k-10pct")
_SWAPS = (
    ("knn", "linear-lbfgs", "svm"),
    ("fpn", "simple-fpn", "c4"),
    ("upernet", "fcn"),
    ("mask-rcnn", "faster-rcnn", "upernet"),
    ("finetune", "linear"),
    ("coslr", "steplr"),
    ("sgd", "lars", "adamw"),
    ("1pct", "10pct"),
)
"""Words of which one says the contrary of another."""


def _true(word: str, config: Any) -> bool:
    """Whether a word that a stem leaves out would be right in it."""
    kinds = {"coslr": "CosineAnnealingLR", "steplr": "MultiStepLR", "polylr": "PolyLR"}
    kinds |= {"lars": "LARS", "sgd": "SGD", "adamw": "AdamW"}
    text = repr((config.optim_wrapper, config.get("param_scheduler")))
    return word in kinds and f"'{kinds[word]}'" in text


def _mutants(name: str) -> Iterator[str]:
    """Stems that say something else than a true one: one thing changed, left out or put in."""
    spec, fields = SPECS[name], name.split("_")
    trained = bool(re.search(r"\d+xb\d+", name))
    for number in re.finditer(r"(?<=_)\d+(?=xb)|(?<=xb)\d+|\d+(?=(?:e|k|iters|x)(?:_|$))", name):
        for other in {int(number[0]) * 2 + 1, int(number[0]) // 2} - {int(number[0])}:
            yield f"{name[: number.start()]}{other}{name[number.end() :]}"
    for unit, other in (("e", "iters"), ("iters", "e"), ("k", "e"), ("x", "e"), ("iters", "k")):
        yield re.sub(rf"(?<=\d){unit}(?=_|$)", other, name)
    yield re.sub(r"_\d+xb\d+-(?=[^_]*?)", "_", name)
    for word in ("-coslr", "-steplr") if "paper" in spec.profiles else ():
        yield name.replace(word, "")
    yield name.replace("-amp", "")
    if trained:
        for word in ("amp", "coslr", "steplr", "polylr", "lars", "sgd", "adamw", "lsj", "bf16"):
            if f"-{word}" not in name and not _true(word, _config(name)):
                yield re.sub(r"(xb\d+)", rf"\1-{word}", name)
    else:
        yield re.sub(r"_([^_]+)$", r"_8xb32-100e_\1", name)
    if isinstance(spec, Recipe):
        yield from ("_".join([word, *fields[1:]]) for word in _ALGORITHMS)
        yield "_".join(fields[1:])
    label = spec.backbone
    yield from (re.sub(rf"(^|_){label}(?=_|-|$)", rf"\g<1>{other}", name) for other in _LABELS)
    floor = isinstance(spec, Recipe) and spec.role == "floor"
    if re.fullmatch(r"\d+e", fields[-1]) is None:
        tags = [tag for tag in _TAGS if tag != "micro" or spec.data != "stamps-micro"]
        yield from ("_".join([*fields[:-1], tag]) for tag in tags)
        if not floor:  # an untrained network has seen no data
            yield "_".join(fields[:-1])
    yield re.sub(r"(\d+)x(\d+)$", r"\2x9\1", name)
    yield re.sub(r"48$", "64", name)
    for words in _SWAPS:
        for word in words:
            for other in words:
                if other == "simple-fpn" and "SimpleFPN" in repr(_config(name).model.get("neck")):
                    continue  # fpn is short for it at the small scales
                yield re.sub(rf"(?<=[_-]){word}(?=[_-]|$)|^{word}(?=_)", other, name)
    if not isinstance(spec, Recipe):
        for field in fields[:-1]:
            if label not in field:
                yield name.replace(f"{field}_", "", 1)
    yield name.replace(label, f"{label}-windowed", 1)


@pytest.mark.parametrize("name", SPECS)
def test_a_stem_that_says_something_else_is_noticed(name: str) -> None:
    mutants = {mutant for mutant in _mutants(name) if mutant != name}
    assert len(mutants) > 20
    unnoticed = sorted(mutant for mutant in mutants if not _complaints(name, mutant))
    assert unnoticed == []


def test_grammar() -> None:
    said = parse_stem("vit-base-p16_upernet-beit_8xb2-amp-160k_ade20k-512x512")
    assert (said.method, said.backbone, said.parts) == ("", "vit-base-p16", ("upernet-beit",))
    assert (said.gpus, said.batch, said.length, said.unit) == (8, 2, 160000, "iterations")
    assert (said.words, said.data, said.size) == (("amp",), "ade20k", (512, 512))
    said = parse_stem("mask-rcnn_vit-base-p16-global_simple-fpn_8xb8-amp-lsj-184375iters_coco")
    assert (said.method, said.words) == ("mask-rcnn", ("global", "amp", "lsj"))
    said = parse_stem("mrcl_vit-small-p16_8xb128-amp-matched-coslr-100e_in1k__model.tau=0.2")
    assert (said.method, said.batch, said.length, said.unit) == ("mrcl", 128, 100, "epochs")
    said = parse_stem("mask-rcnn_resnet50_c4_8xb2-2x_coco")
    assert (said.parts, said.length, said.unit) == (("c4",), 2, "times")
    said = parse_stem("resnet50_8xb32-semi-20e_in1k-1pct")
    assert (said.words, said.data, said.share) == (("semi",), "in1k", 1)
    said = parse_stem("resnet50_svm_voc07")
    assert (said.parts, said.data, said.size, said.length) == (("svm",), "voc07", None, None)
    said = parse_stem("vit-128x4_linear-lbfgs_stamps48-micro")
    assert (said.data, said.size, said.micro) == ("stamps", (48, 48), True)
    said = parse_stem("vit-t6_knn_birds48", backbone="vit-t6")
    assert (said.backbone, said.data, said.size) == ("vit-t6", "birds", (48, 48))


@pytest.mark.parametrize(
    ("stem", "why"),
    [
        ("probe", "no backbone"),
        ("a_b_resnet50_knn_in1k", "2 fields before"),
        ("resnet50_8xb32-amp_in1k", "how long"),
        ("resnet50_8xb32-10e_8xb32-10e_in1k", "two schedules"),
        ("resnet50_8xb32-10e_upernet_in1k", "between schedule and data"),
    ],
)
def test_what_does_not_follow_the_grammar_is_refused(stem: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_stem(stem)


def _set(key: str, value: Any) -> Callable[[Any], None]:
    def change(config: Any) -> None:
        *parts, last = key.split(".")
        for part in parts:
            config = config[int(part)] if part.isdecimal() else config[part]
        config[last] = value

    return change


MAE = "mae_vit-base-p16_8xb512-amp-coslr-300e_in1k"
UPERNET = "vit-base-p16_upernet_8xb2-amp-160k_ade20k-512x512"
MASK_RCNN = "mask-rcnn_resnet50_fpn_8xb2-1x_coco"


@pytest.mark.parametrize(
    ("name", "change", "complaint"),
    [
        (MAE, _set("train_dataloader.batch_size", 256), "the loader gives 256"),
        (MAE, _set("auto_scale_lr.base_batch_size", 2048), "the rate is for 2048"),
        (MAE, _set("train_cfg.max_epochs", 100), "the loop runs 100 epochs"),
        (MAE, _set("optim_wrapper.type", "OptimWrapper"), "'amp'"),
        (MAE, _set("param_scheduler.1.type", "LinearLR"), "'coslr' without"),
        (MAE, _set("param_scheduler.1.end", 200), "until 200"),
        (MAE, _set("param_scheduler.1.T_max", 100), "until 140"),
        (MAE, _set("model.type", "SimMIM"), "the model is SimMIM"),
        (MAE, _set("train_dataloader.dataset.data_root", "data/coco/"), "data/coco/ is read"),
        (MAE, _set("model.backbone.type", "mmpretrain.ResNet"), "no mmpretrain.ResNet"),
        (UPERNET, _set("train_cfg.max_iters", 80000), "runs 80000"),
        (UPERNET, _set("train_cfg.type", "EpochBasedTrainLoop"), "not told how long"),
        (UPERNET, _set("model.decode_head.type", "FCNHead"), "the head is FCNHead"),
        (UPERNET, _set("val_dataloader.dataset.data_root", "data/cityscapes"), "is read"),
        (MASK_RCNN, _set("model.type", "FasterRCNN"), "the detector is FasterRCNN"),
        (MASK_RCNN, _set("model.neck.type", "SimpleFPN"), "the neck is not 'fpn'"),
        (MASK_RCNN, _set("train_cfg.max_epochs", 24), "runs 24 epochs"),
        (MASK_RCNN, _set("param_scheduler.1.milestones", [16, 22]), "goes on after 12"),
        (
            "resnet50_knn_in1k",
            _set("train_cfg", dict(type="EpochBasedTrainLoop", max_epochs=1)),
            "says GPUs",
        ),
    ],
)
def test_a_config_that_does_something_else_is_noticed(
    name: str, change: Callable[[Any], None], complaint: str
) -> None:
    config = copy.deepcopy(_config(name))
    change(config)
    found = contradictions(name, SPECS[name], config)
    assert any(complaint in one for one in found), found


@pytest.mark.parametrize(
    ("name", "arch"),
    [
        (MAE, dict(embed_dims=768, num_layers=11, num_heads=12, feedforward_channels=3072)),
        (MAE, dict(embed_dims=768, num_layers=12, num_heads=8, feedforward_channels=3072)),
        (MAE, "deit-small"),
        (MASK_RCNN, 101),
    ],
)
def test_another_network_is_noticed(name: str, arch: Any) -> None:
    config = copy.deepcopy(_config(name))
    init_default_scope(config.default_scope)
    config.model.backbone["depth" if name == MASK_RCNN else "arch"] = arch
    network, heads = _backbone(config)
    found = contradictions(name, SPECS[name], config, network=network, heads=heads)
    assert len(found) == 1 and SPECS[name].backbone in found[0]


def test_another_size_is_noticed() -> None:
    config = copy.deepcopy(_config(UPERNET))
    init_default_scope("mmseg")
    config.train_dataloader.dataset.pipeline[3].crop_size = (640, 640)
    config.model.data_preprocessor.size = (640, 640)
    (size,) = network_sizes(config, "train")
    found = contradictions(UPERNET, SPECS[UPERNET], config, size=size)
    assert found == ["pictures of 512 x 512, they are 640 x 640"]


def test_a_run_warns_of_a_user_s_stem_that_lies(
    micro_workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rich.console import Console

    from mrcl_bench import run
    from mrcl_bench.plan import Planner

    configs = tmp_path / "my_configs"
    configs.mkdir()
    shipped = MICRO_CONFIGS / "pretrain/simclr_vit-128x4_1xb32-14iters_stamps48-micro.py"
    bench = shipped.read_text().partition("bench = ")[2].partition("\n)")[0]
    for stem in (
        "simclr_vit-128x4_1xb64-14iters_stamps48-micro",
        "simclr_vit-128x4_1xb32-14iters-mine_stamps48-micro",
        "my_way",
    ):
        text = f'_base_ = ["{shipped}"]\nbench = {bench}\n)\n'
        if stem.startswith("simclr_vit-128x4_1xb32"):
            text = text.replace('"SimCLR"', '"SimCLR, mine"')
        (configs / f"{stem}.py").write_text(text)
    monkeypatch.setattr(run, "execute", lambda *_: None)
    console = Console(record=True, width=200)
    planner = Planner(micro_workspace, Catalog(configs), "micro")
    run.MatrixRunner(planner, console).run(planner.plan([], []), pretrain_only=True)
    warnings = [line for line in console.export_text().splitlines() if "warning" in line]
    assert len(warnings) == 1
    assert "simclr_vit-128x4_1xb64-14iters_stamps48-micro: its name" in warnings[0]
    assert "64 pictures per GPU, the loader gives 32" in warnings[0]
