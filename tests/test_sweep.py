"""Sweeps: one file that stands for many recipes, listed without running a config."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mrcl_bench.catalog import Catalog, load_catalog
from mrcl_bench.engine.request import Request
from mrcl_bench.errors import EXIT_USAGE, BenchError
from mrcl_bench.plan import Planner
from mrcl_bench.resolve import config_sha256, load_config, load_spec
from mrcl_bench.spec import Recipe
from mrcl_bench.sweep import MOST_POINTS
from mrcl_bench.workspace import Workspace

from .conftest import MICRO_CONFIGS, Cli
from .toy import RECIPE, Toy

BASE = "mrcl_vit-128x4_1xb32-14iters_stamps48-micro"
CONFIG = """
model = dict(ratio=0.5, deep=True, head=dict(lr=1.0, kind="plain"), steps=[dict(prob=0.1)])
optimizer = dict(lr=0.1)
data_root = "data/toy"
"""


def sweep(axes: str, base: str = "mine", family: str = "swept", more: str = "") -> str:
    return f"bench = dict(kind='sweep', base={base!r}, family={family!r}, axes={axes}{more})\n"


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a base called ``mine`` and a sweep over it; returns their folder."""

    def make(axes: str, **options: str) -> Path:
        (tmp_path / "mine.py").write_text(RECIPE.format(algorithm="mrcl") + CONFIG)
        (tmp_path / "over.py").write_text(sweep(axes, **options))
        return tmp_path

    return make


def names(folder: Path, word: str = "swept") -> list[str]:
    return [recipe.name for recipe in Catalog(folder).select_recipes("micro", [word])]


def test_keys_of_an_axis_are_crossed_and_axes_are_not(write: Callable[..., Path]) -> None:
    folder = write(
        "[{'model.ratio': [0.0, 0.9], 'model.deep': [False]}, {'model.head.kind': ['odd']}]"
    )
    assert names(folder) == [
        "mine",
        "mine__deep=False__ratio=0.0",
        "mine__deep=False__ratio=0.9",
        "mine__kind=odd",
    ]
    catalog = Catalog(folder)
    point = catalog.recipe("mine__deep=False__ratio=0.9")
    base = catalog.recipe("mine")
    assert point.overrides == {"model.ratio": 0.9, "model.deep": False}
    assert point.display == "mrcl, ratio 0.9, deep False"
    changed = {"name", "display", "family", "on_request", "overrides"}
    assert point.model_dump(exclude=changed) == base.model_dump(exclude=changed)


def test_points_run_only_where_they_are_named(write: Callable[..., Path]) -> None:
    folder = write("[{'model.ratio': [0.9]}]")
    catalog = Catalog(folder)
    assert [recipe.name for recipe in catalog.select_recipes("micro", [])] == ["mine"]
    assert names(folder, "mrcl") == ["mine"]
    assert names(folder, "mine__ratio=0.9") == ["mine__ratio=0.9"]
    with pytest.raises(BenchError, match="Did you mean swept"):
        names(folder, "swepd")


def test_keys_that_end_alike_are_told_apart(write: Callable[..., Path]) -> None:
    folder = write("[{'model.head.lr': [2.0]}, {'optimizer.lr': [0.2]}, {'model.ratio': [0.1]}]")
    assert names(folder)[1:] == ["mine__head.lr=2.0", "mine__optimizer.lr=0.2", "mine__ratio=0.1"]


def test_listing_runs_no_config(write: Callable[..., Path]) -> None:
    folder = write("[{'model.ratio': [0.9]}]")
    text = (folder / "mine.py").read_text()
    (folder / "mine.py").write_text(text + f"open({str(folder / 'canary')!r}, 'w')\n")
    assert len(names(folder)) == 2
    assert not (folder / "canary").exists()


@pytest.mark.parametrize(
    ("axes", "options", "what", "cure"),
    [
        ("[{'model.ratio': [0.1, 0.1]}]", {}, "mine__ratio=0.1 comes twice", "one axis only"),
        ("[{'a.b': [1], 'c.d': [2]}, {'c.d': [2], 'a.b': [1]}]", {}, "comes twice", ""),
        ("[{'model.ratio': []}]", {}, "without keys or values", "values"),
        ("[{}]", {}, "without keys or values", "values"),
        ("[]", {}, "bench.axes", ""),
        ("[{'model.ratio': 0.1}]", {}, "bench.axes.0", ""),
        ("[{'model.ratio': [[0.1]]}]", {}, "bench.axes.0", ""),
        ("[{'model..ratio': [0.1]}]", {}, "no dotted key", "model.mask_ratio"),
        ("[{'model.kind': ['../../up']}]", {}, "cannot stand in a recipe's name", "letters"),
        ("[{'model.ratio': [1e999]}]", {}, "cannot stand in a recipe's name", "finite"),
        ("[{'model.ratio': [0.1]}]", {"base": "mien"}, "'mien'", "Did you mean mine"),
        ("[{'model.ratio': [0.1]}]", {"family": "mrcl"}, "'mrcl' already selects", "its own"),
        ("[{'model.ratio': [0.1]}]", {"family": ""}, "bench.family", ""),
        ("[{'model.ratio': [0.1]}]", {"base": "mine__ratio=0.1"}, "unknown base recipe", "mine"),
        ("[{'model.ratio': [0.1]}]", {"more": ", axis=1"}, "axis", "Did you mean axes"),
    ],
)
def test_a_sweep_that_is_wrong(
    write: Callable[..., Path], axes: str, options: dict[str, str], what: str, cure: str
) -> None:
    folder = write(axes, **options)
    with pytest.raises(BenchError) as caught:
        Catalog(folder)
    assert what in caught.value.what and "over" in caught.value.what
    assert cure in caught.value.cure
    assert caught.value.exit_code == EXIT_USAGE


def test_an_endless_product_is_refused_at_once(write: Callable[..., Path]) -> None:
    """10^12 points, from a file of a few hundred bytes."""
    folder = write(repr([{key: list(range(10)) for key in "abcdefghijkl"}]))
    with pytest.raises(BenchError, match="1,000,000,000,000 points, at most 1,000 ") as caught:
        Catalog(folder)
    assert "over" in caught.value.what and "axis of their own" in caught.value.cure
    assert caught.value.exit_code == EXIT_USAGE


def test_as_many_points_as_are_allowed(write: Callable[..., Path]) -> None:
    values = list(range(MOST_POINTS // 2))
    assert len(names(write(f"[{{'a': {values}}}, {{'b': {values}}}]"))) == MOST_POINTS + 1
    with pytest.raises(BenchError, match="1,001 points"):
        Catalog(write(f"[{{'a': {values}}}, {{'b': {values}}}, {{'c': [1]}}]"))


def test_a_point_cannot_bear_the_name_of_a_file(write: Callable[..., Path]) -> None:
    folder = write("[{'model.ratio': [0.1]}]")
    (folder / "mine__ratio=0.1.py").write_text(RECIPE.format(algorithm="mrcl"))
    with pytest.raises(BenchError, match=r"two configs are called mine__ratio=0\.1"):
        Catalog(folder)


def test_a_recipe_cannot_set_its_overrides(tmp_path: Path) -> None:
    text = RECIPE.format(algorithm="mrcl").replace("kind=", "overrides={'lr': 1.0}, kind=")
    (tmp_path / "liar.py").write_text(text)
    with pytest.raises(BenchError, match="'overrides'"):
        Catalog(tmp_path)


def test_overrides_change_the_config_and_its_hash_and_nothing_else(
    write: Callable[..., Path],
) -> None:
    pytest.importorskip("mmengine")
    folder = write("[{'model.ratio': [0.9, 0.1]}, {'model.steps.0.prob': [1]}]")
    base, *points = Catalog(folder).select_recipes("micro", ["swept"])
    assert load_spec(base).to_dict() == load_config(base.path).to_dict()
    configs = [load_spec(point) for point in points]
    assert [c.model.ratio for c in configs] == [0.9, 0.1, 0.5]
    assert configs[2].model.steps[0].prob == 1
    assert len({config_sha256(c) for c in [load_spec(base), *configs]}) == 4

    # the hash says what is computed: that of a file with the very values in it
    text = (folder / "mine.py").read_text()
    (folder / "copy.py").write_text(text.replace("ratio=0.5", "ratio=0.9"))
    assert config_sha256(load_config(folder / "copy.py")) == config_sha256(configs[0])


@pytest.mark.parametrize(
    ("key", "value", "what", "cure"),
    [
        ("model.raito", 0.1, "model.raito", "Did you mean model.ratio"),
        ("modle.ratio", 0.1, "modle.ratio", "Did you mean model"),
        ("model.ratio.deep", 0.1, "model.ratio.deep", "There is none"),
        ("model.steps.1.prob", 0.1, "model.steps.1.prob", "model.steps.0"),
        ("model.ratio", 0.5, "changes nothing", "base"),
        ("model.head.lr", 1, "changes nothing", "base"),
        ("model.ratio", "much", "is float, not str", "same kind"),
        ("model.deep", 1, "is bool, not int", "same kind"),
        ("model.head", 1, "is ConfigDict, not int", "same kind"),
        ("data_root", "data/other", "cannot be varied", "model"),
        ("bench.algorithm", "other", "cannot be varied", "model"),
    ],
)
def test_an_override_that_does_not_fit(
    write: Callable[..., Path], key: str, value: Any, what: str, cure: str
) -> None:
    pytest.importorskip("mmengine")
    folder = write("[{'model.ratio': [0.1]}]")
    with pytest.raises(BenchError) as caught:
        load_config(folder / "mine.py", {key: value})
    assert what in caught.value.what and "mine.py" in caught.value.what
    assert cure in caught.value.cure
    assert caught.value.exit_code == EXIT_USAGE


def test_a_wrong_key_is_refused_when_the_sweep_is_planned(toy: Toy) -> None:
    pytest.importorskip("mmengine")
    toy.write("over", sweep("[{'optim_wrapper.rl': [0.5]}]"))
    assert {step.recipe.name for step in toy.plan().pretrainings} == {"mine", "theirs"}
    with pytest.raises(BenchError, match=r"Did you mean (optim_wrapper\.)?lr"):
        toy.plan(recipes=["swept"])


def test_each_point_is_planned_and_goes_stale_by_itself(toy: Toy) -> None:
    pytest.importorskip("mmengine")
    toy.finish()
    toy.write("over", sweep("[{'optim_wrapper.lr': [0.5]}]"))
    plan = toy.plan(recipes=["swept"], protocols=["probe"], seeds=[0])
    assert [(s.recipe.name, s.reason) for s in plan.pretrainings] == [
        ("mine", "checkpoint is there"),
        ("mine__lr=0.5", "no checkpoint"),
    ]
    assert [(s.recipe.name, s.state) for s in plan.jobs] == [
        ("mine", "done"),
        ("mine__lr=0.5", "todo"),
    ]


def test_a_worker_gets_the_overrides(write: Callable[..., Path], tmp_path: Path) -> None:
    folder = write("[{'model.ratio': [0.0], 'model.deep': [False], 'model.head.kind': [None]}]")
    point = Catalog(folder).select_recipes("micro", ["swept"])[1]
    request = Request(kind="pretrain", profile="micro", recipe=point, root=tmp_path)
    back = Request.model_validate_json(request.model_dump_json()).recipe
    assert back == point
    assert [type(value) for value in back.overrides.values()] == [float, bool, type(None)]


def test_the_shipped_sweep_of_the_small_profile(cli: Cli) -> None:
    pytest.importorskip("mmengine")
    family = load_catalog().select_recipes("small", ["mrcl-ablation-vit-128x4"])
    assert not family[0].on_request and all(recipe.on_request for recipe in family[1:])
    done = cli("plan", "--profile", "small", "--recipe", "mrcl-ablation-vit-128x4", COLUMNS=400)
    assert done.returncode == 0, done.stderr
    for recipe in family:
        assert f"pretrain {recipe.name} " in done.stdout
    assert "knn (vit-128x4_knn_stamps48)" in done.stdout


def test_a_point_pretrains_under_its_own_name(
    micro_workspace: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The real thing at the smallest scale: masking and reconstruction off."""
    pytest.importorskip("mmpretrain")
    import torch

    from mrcl_bench.convert.manifest import read_manifest
    from mrcl_bench.pretrain import run_pretraining

    folder = tmp_path_factory.mktemp("configs")
    axis = (
        "{'model.mask_ratio': [0.0], 'model.reconstruct_weight': [0.0], 'train_cfg.max_iters': [3]}"
    )
    (folder / "over.py").write_text(sweep(f"[{axis}]", base=BASE))
    catalog = Catalog(MICRO_CONFIGS, folder)
    base, point = catalog.select_recipes("micro", ["swept"])
    assert isinstance(point, Recipe)
    assert point.name == f"{BASE}__mask_ratio=0.0__max_iters=3__reconstruct_weight=0.0"
    run_pretraining(
        Request(kind="pretrain", profile="micro", recipe=point, root=micro_workspace.root)
    )

    where = micro_workspace.checkpoint_dir("micro", point.name)
    manifest = read_manifest(where)
    assert manifest.recipe == point.name
    assert manifest.pretrain["recipe_sha256"] == config_sha256(load_spec(point))
    assert manifest.pretrain["recipe_sha256"] != config_sha256(load_spec(base))
    assert manifest.pretrain["cost"]["images_seen"] == 3 * 32
    raw = torch.load(where / "raw.pth", weights_only=True)
    parts = {key.split(".")[0] for key in raw["state_dict"]}
    assert "contrast_head" in parts and "decoder" not in parts

    plan = Planner(micro_workspace, catalog, "micro").plan(["swept"], ["knn"])
    assert [(s.recipe.name, s.state) for s in plan.pretrainings] == [
        (base.name, "todo"),
        (point.name, "done"),
    ]
