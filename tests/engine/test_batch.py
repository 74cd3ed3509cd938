"""The named total batch is kept by what changes nothing else, or refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mmengine")

from mmengine.config import ConfigDict  # noqa: E402

from mrcl_bench.catalog import Catalog  # noqa: E402
from mrcl_bench.engine.batch import fit_batch  # noqa: E402
from mrcl_bench.errors import BenchError  # noqa: E402
from mrcl_bench.record import Batch  # noqa: E402
from mrcl_bench.resolve import load_config  # noqa: E402
from mrcl_bench.spec import Recipe  # noqa: E402

SHIPPED = Path(__file__).parents[2] / "mm_configs"


def recipe(name: str, **more: Any) -> Recipe:
    return Recipe.model_validate(
        {
            "kind": "recipe",
            "algorithm": "mae",
            "display": "MAE",
            "backbone": "vit-128x4",
            "profiles": ("micro",),
            "data": "own:toy",
            "role": "method",
            "source": "mmpretrain",
            "name": name,
            **more,
        }
    )


def config(batch: int, model: str = "MAE", iters: bool = True, **more: Any) -> Any:
    loop = (
        {"type": "IterBasedTrainLoop", "max_iters": 100, "val_interval": 50}
        if iters
        else {"type": "EpochBasedTrainLoop", "max_epochs": 3}
    )
    return ConfigDict(
        {
            "model": {"type": model},
            "train_dataloader": {"batch_size": batch},
            "train_cfg": loop,
            "optim_wrapper": {"type": "OptimWrapper"},
            "param_scheduler": [
                {"type": "LinearLR", "begin": 0, "end": 10, "by_epoch": False},
                {"type": "MultiStepLR", "milestones": [60, 80], "by_epoch": False},
                {"type": "CosineAnnealingLR", "T_max": 3, "by_epoch": True},
            ],
            "default_hooks": {"checkpoint": {"interval": 20, "by_epoch": False}},
            **more,
        }
    )


NAME = "mae_vit-128x4_8xb64-100iters_toy"


def test_the_named_number_of_processes_changes_nothing() -> None:
    plan = config(64)
    batch = fit_batch(plan, recipe(NAME), 8)
    assert batch == Batch(named=512, total=512, processes=8)
    assert plan == config(64)


@pytest.mark.parametrize(("processes", "passes"), [(1, 8), (2, 4), (4, 2)])
def test_fewer_processes_accumulate(processes: int, passes: int) -> None:
    plan = config(64)
    batch = fit_batch(plan, recipe(NAME), processes)
    assert batch == Batch(named=512, total=512, processes=processes, accumulated=passes)
    assert plan.optim_wrapper.accumulative_counts == passes
    assert plan.train_dataloader.batch_size == 64
    assert plan.train_cfg.max_iters == 100 * passes
    warm, drops, cosine = plan.param_scheduler
    assert (warm.begin, warm.end) == (0, 10 * passes)
    assert drops.milestones == [60 * passes, 80 * passes]
    assert cosine.T_max == 3
    assert plan.default_hooks.checkpoint.interval == 20 * passes


def test_epochs_are_as_long_as_before() -> None:
    plan = config(64, iters=False)
    fit_batch(plan, recipe(NAME), 2)
    assert plan.train_cfg.max_epochs == 3
    assert plan.param_scheduler[0].end == 40


def test_more_processes_take_fewer_pictures_each() -> None:
    plan = config(64, model="SimCLR")
    batch = fit_batch(plan, recipe(NAME), 16)
    assert batch == Batch(named=512, total=512, processes=16)
    assert plan == config(32, model="SimCLR")


@pytest.mark.parametrize(
    ("plan", "processes", "why"),
    [
        (config(64), 3, "192 does not divide it"),
        (config(64), 24, "it does not divide by them"),
        (config(64, model="SimCLR"), 4, "compares the pictures of a step"),
        (config(64, model="MRCL"), 4, "compares the pictures of a step"),
        (
            config(64, param_scheduler=[{"type": "OneCycleLR", "by_epoch": False}]),
            4,
            "OneCycleLR counts iterations",
        ),
    ],
)
def test_what_cannot_be_kept_is_refused(plan: Any, processes: int, why: str) -> None:
    with pytest.raises(BenchError, match=why) as caught:
        fit_batch(plan, recipe(NAME), processes)
    assert "--no-keep-batch" in (caught.value.cure or "")
    before = plan.copy()
    batch = fit_batch(plan, recipe(NAME), processes, keep=False)
    assert plan == before
    assert batch == Batch(named=512, total=64 * processes, processes=processes)


def test_mrcl_that_only_reconstructs_and_kept_checkpoints() -> None:
    plan = config(64)
    plan.model = ConfigDict(type="MRCL", contrast_weight=0)
    assert fit_batch(plan, recipe(NAME), 4).accumulated == 2
    with pytest.raises(BenchError, match="keeps checkpoints by iterations"):
        fit_batch(config(64), recipe(NAME, keep=(0.5,)), 4)


def test_a_name_that_says_nothing_binds_nothing() -> None:
    batch = fit_batch(config(64), recipe("my-own"), 3)
    assert batch == Batch(named=None, total=192, processes=3)


def test_every_shipped_config_keeps_its_batch_on_its_gpus() -> None:
    from mrcl_bench.naming import parse_stem
    from mrcl_bench.spec import Protocol

    catalog = Catalog(SHIPPED)
    seen = 0
    specs: list[Recipe | Protocol] = [
        *catalog.select_recipes("paper", []),
        *catalog.select_protocols("paper", []),
    ]
    for spec in specs:
        said = parse_stem(spec.name, spec.backbone)
        if said.gpus is None:
            continue
        plan = load_config(spec.path)
        assert fit_batch(plan, spec, said.gpus).accumulated == 1
        if isinstance(spec, Protocol):
            halved = fit_batch(plan, spec, said.gpus // 2)
            assert halved.accumulated == 2
            assert halved.total == halved.named
        seen += 1
    assert seen > 20
