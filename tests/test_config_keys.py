"""Every top-level key of a config has a reader, and a key without one is refused with a cure."""

from __future__ import annotations

import ast
import inspect
import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mmengine")

from mrcl_bench import config_keys  # noqa: E402
from mrcl_bench.catalog import Catalog, config_root  # noqa: E402
from mrcl_bench.config_keys import FRAME, check_keys, keys_read  # noqa: E402
from mrcl_bench.errors import EXIT_USAGE, BenchError  # noqa: E402
from mrcl_bench.resolve import config_sha256, load_config  # noqa: E402
from mrcl_bench.spec import Protocol, Recipe  # noqa: E402

from .conftest import MICRO_CONFIGS  # noqa: E402
from .toy import Toy  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
JOBS = ROOT / "mrcl_bench/jobs"
SPECS = [
    spec
    for root in (config_root(), MICRO_CONFIGS, MICRO_CONFIGS.with_name("mm_configs_resnet"))
    for catalog in [Catalog(root)]
    for spec in (*catalog.recipes.values(), *catalog.protocols.values())
]
LINEAR = next(spec for spec in SPECS if spec.name == "vit-128x4_linear-lbfgs_stamps48")
UPERNET = next(spec for spec in SPECS if spec.name.startswith("vit-base-p16_upernet_8xb2"))


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_every_key_of_every_config_is_read(spec: Recipe | Protocol) -> None:
    config = load_config(spec.path)
    before = config_sha256(config)
    check_keys(config, spec)
    assert config_sha256(config) == before


def test_configs_still_mean_what_committed_records_say() -> None:
    hashes = {spec.name: config_sha256(load_config(spec.path)) for spec in SPECS}
    seen = set()
    for path in (ROOT / "results/records").rglob("*.json"):
        record = json.loads(path.read_text())
        for part in (record["recipe"], record["protocol"]):
            if part["name"] in hashes:
                assert part["config_sha256"] == hashes[part["name"]], path
                seen.add(part["name"])
    assert len(seen) > 10


def _refused(spec: Recipe | Protocol, **keys: Any) -> BenchError:
    config = load_config(spec.path)
    for key, value in keys.items():
        config[key] = value
    with pytest.raises(BenchError) as caught:
        check_keys(config, spec)
    assert caught.value.exit_code == EXIT_USAGE
    assert f"'{next(iter(keys))}'" in caught.value.what and spec.path.name in caught.value.what
    return caught.value


@pytest.mark.parametrize(
    ("key", "value", "cure"),
    [
        ("fp16", dict(loss_scale="dynamic"), "AmpOptimWrapper"),
        ("optimizer", dict(type="SGD", lr=0.1), "optim_wrapper"),
        ("lr_config", dict(policy="poly"), "param_scheduler"),
        ("vis_backends", [dict(type="TensorboardVisBackend")], "visualizer"),
        ("optimzier", dict(type="SGD"), "Did you mean optim_wrapper"),
        ("train_dataloder", dict(batch_size=1), "Did you mean train_dataloader"),
        ("custom_hook", [dict(type="EMAHook")], "Did you mean custom_hooks"),
        ("amp", True, "_amp"),
        ("precision", "dynamic", "_precision"),
        ("empty", {}, "_empty"),
        ("knn", dict(k=[1]), "knn"),
    ],
)
def test_a_key_that_nothing_reads_is_refused(key: str, value: Any, cure: str) -> None:
    assert cure in _refused(UPERNET, **{key: value}).cure


def test_a_block_of_another_adapter_is_refused() -> None:
    _refused(LINEAR, knn=dict(k=[1], temperature=0.07, held_out=0.2))


def test_names_of_parts_pass_while_they_are_those_parts() -> None:
    config = load_config(UPERNET.path)
    config.norm_cfg = dict(type="SyncBN", requires_grad=True)
    config.train_pipeline = config.train_dataloader.dataset.pipeline
    config.crop_size = (512, 512)
    config._helper = 5
    check_keys(config, UPERNET)
    config.crop_size = (640, 640)
    with pytest.raises(BenchError, match="crop_size"):
        check_keys(config, UPERNET)


def test_mmseg_s_dead_key_is_the_reason() -> None:
    mmseg = pytest.importorskip("mmseg")
    stock = Path(mmseg.__file__).parent / ".mim/configs/mae"
    config = load_config(stock / "mae-base_upernet_8xb2-amp-160k_ade20k-512x512.py")
    assert config.optim_wrapper.type == "OptimWrapper" and "fp16" in config
    assert "fp16" not in keys_read("segmentation")


def test_the_runner_is_read_from_its_source() -> None:
    from mmengine.runner import Runner

    keys = keys_read(None)
    arguments = set(inspect.signature(Runner.__init__).parameters) - {"self", "cfg"}
    assert arguments | FRAME < keys
    assert keys - arguments - FRAME >= {"model_wrapper_cfg", "find_unused_parameters", "compile"}
    assert "fp16" not in keys and "cfg" not in keys


def test_an_unknown_adapter_is_named() -> None:
    with pytest.raises(BenchError, match="adapter 'liner'.*Did you mean linear"):
        check_keys(load_config(LINEAR.path), LINEAR.model_copy(update={"adapter": "liner"}))


def _reads(path: Path) -> set[str]:
    """Top-level keys that an adapter, or a module of jobs that it uses, takes from its config."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module:
            found |= _reads(path.with_name(f"{node.module}.py"))
        text = ast.unparse(node) if isinstance(node, ast.Attribute | ast.Call) else ""
        for name in ("context.config", "config"):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == name:
                found.add(node.attr)
            if text.startswith(f"{name}.get(") and isinstance(node.args[0], ast.Constant):
                found.add(node.args[0].value)
    return found - {"get", "setdefault", "pop", "_cfg_dict"}


@pytest.mark.parametrize("path", sorted(JOBS.glob("*.py")), ids=lambda path: path.stem)
def test_adapters_declare_what_they_read(path: Path) -> None:
    if "run" not in config_keys._functions(path):
        return
    declared = keys_read(path.stem) - keys_read(None)
    assert declared == _reads(path) - keys_read(None)


def test_nothing_is_started_with_a_dead_key(toy: Toy) -> None:
    from rich.console import Console

    from mrcl_bench.run import MatrixRunner

    toy.write("tune", (toy.configs / "tune.py").read_text() + "fp16 = dict(loss_scale=512)\n")
    with pytest.raises(BenchError, match="fp16"):
        MatrixRunner(toy.planner, Console(quiet=True)).run(toy.plan())
    assert not toy.workspace.runs.exists()
