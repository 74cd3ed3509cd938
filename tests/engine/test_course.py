"""Checkpoints over the course of a run: kept, converted, measured, judged; the run is untouched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("mmpretrain")

from mrcl_bench.catalog import Catalog, _build, read_bench_block  # noqa: E402
from mrcl_bench.convert.manifest import read_manifest  # noqa: E402
from mrcl_bench.course import part, parts, with_parts  # noqa: E402
from mrcl_bench.engine import pretext  # noqa: E402
from mrcl_bench.engine.request import Request  # noqa: E402
from mrcl_bench.errors import BenchError  # noqa: E402
from mrcl_bench.plan import Planner  # noqa: E402
from mrcl_bench.pretrain import run_pretraining  # noqa: E402
from mrcl_bench.record import read_record  # noqa: E402
from mrcl_bench.resolve import config_sha256, load_config  # noqa: E402
from mrcl_bench.spec import Recipe  # noqa: E402
from mrcl_bench.workspace import Workspace  # noqa: E402

from ..conftest import MICRO_CONFIGS  # noqa: E402
from .test_pretraining import Stop, stop_at  # noqa: E402, F401


def variant(folder: Path, base: str, keep: list[float], text: str = "", **more: Any) -> Recipe:
    """A micro recipe that keeps checkpoints, as a config of the same stem."""
    original = Catalog(MICRO_CONFIGS).select_recipes("micro", [base])[0]
    block = {**(read_bench_block(original.path) or {}), "keep": keep, **more}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"kept-{base}.py"
    path.write_text(f"_base_ = [{str(original.path)!r}]\nbench = {block!r}\n{text}")
    spec = _build(path, block)
    assert isinstance(spec, Recipe)
    return spec


def pretrain(workspace: Workspace, recipe: Recipe) -> None:
    run_pretraining(Request(kind="pretrain", profile="micro", recipe=recipe, root=workspace.root))


@pytest.mark.parametrize("base", ["mrcl", "simclr"])
def test_checkpoints_are_kept_and_the_run_is_the_same(
    micro_workspace: Workspace, tmp_path: Path, base: str
) -> None:
    plain = variant(tmp_path / "plain", base, [])
    recipe = variant(tmp_path / "kept", base, [0.5, 10], measure_on="classification/train")
    assert config_sha256(load_config(plain.path)) == config_sha256(load_config(recipe.path))
    pretrain(Workspace(tmp_path / "apart"), plain)
    alone = read_manifest(Workspace(tmp_path / "apart").checkpoint_dir("micro", plain.name))
    pretrain(micro_workspace, recipe)
    end = read_manifest(micro_workspace.checkpoint_dir("micro", recipe.name))
    assert end.weights_sha256 == alone.weights_sha256  # to the bit
    assert alone.course is None

    names = [one.name for one in parts(recipe)]
    assert names == [f"{recipe.name}@7", f"{recipe.name}@10"]
    courses, weights = [], {end.weights_sha256}
    for name, steps in zip(names, (7, 10), strict=True):
        folder = micro_workspace.checkpoint_dir("micro", name)
        manifest = read_manifest(folder)
        assert manifest.recipe == name
        assert manifest.proof is not None
        assert manifest.recipe_sha256 == end.recipe_sha256
        assert manifest.pretrain_cost is not None
        assert manifest.pretrain_cost.images_seen == steps * 32
        assert manifest.pretrain_cost.encoder_gflops == end.pretrain_cost.encoder_gflops
        assert 0 < manifest.pretrain_cost.seconds <= end.pretrain_cost.seconds
        weights.add(manifest.weights_sha256)
        assert manifest.course is not None
        courses.append(manifest.course)
    assert len(weights) == 3
    assert end.course is not None
    courses.append(end.course)
    assert [(c.count, c.total, c.unit, c.of) for c in courses] == [
        (count, 14, "iter", recipe.name) for count in (7, 10, 14)
    ]
    for course in courses:
        assert not course.seen
        assert course.images == 96  # three batches of 32 of the 120 pictures of train
        assert course.candidates == (63 if base == "simclr" else 32)
        assert 0 < course.contrastive_accuracy < 1
        assert (course.reconstruction_error is not None) == (base == "mrcl")
    if base == "mrcl":  # it learns to reconstruct, at once
        assert courses[0].reconstruction_error > courses[-1].reconstruction_error
    assert not (micro_workspace.runs / "pretrain/micro" / recipe.name / "kept").exists()


def test_an_interrupted_run_keeps_what_it_kept(
    micro_workspace: Workspace,
    tmp_path: Path,
    stop_at: Stop,  # noqa: F811
) -> None:
    recipe = variant(tmp_path / "c", "simclr", [5, 12])
    whole = Workspace(tmp_path / "whole")
    pretrain(whole, recipe)
    stop_at(9)
    with pytest.raises(KeyboardInterrupt):
        pretrain(micro_workspace, recipe)
    stop_at(None)
    pretrain(micro_workspace, recipe)
    for name in (f"{recipe.name}@5", f"{recipe.name}@12", recipe.name):
        one, other = (
            read_manifest(workspace.checkpoint_dir("micro", name))
            for workspace in (whole, micro_workspace)
        )
        assert one.weights_sha256 == other.weights_sha256
        assert one.course == other.course
        assert one.course is not None
        assert one.course.seen


def test_a_kept_checkpoint_is_judged_like_a_recipe(
    micro_workspace: Workspace, tmp_path: Path
) -> None:
    from mrcl_bench.jobs.evaluate import run_evaluation

    recipe = variant(tmp_path / "configs", "simclr", [0.5])
    (tmp_path / "configs/probe").mkdir()
    for path in (MICRO_CONFIGS / "classification").glob("*knn*"):
        block = read_bench_block(path)
        text = f"_base_ = [{str(path)!r}]\nbench = {block!r}\n"
        (tmp_path / "configs/probe" / path.name).write_text(text)
    planner = Planner(micro_workspace, Catalog(tmp_path / "configs"), "micro")
    plan = planner.plan([], ["knn"], [0], course=True)
    assert [step.recipe.name for step in plan.pretrainings] == [f"{recipe.name}@7", recipe.name]
    assert len(plan.needed_pretrainings()) == 1
    assert planner.plan([f"{recipe.name}@7"], ["knn"], [0]).jobs[0].recipe.name.endswith("@7")
    assert [s.recipe.name for s in planner.plan([], ["knn"], [0]).jobs] == [recipe.name]

    pretrain(micro_workspace, recipe)
    planner = Planner(micro_workspace, Catalog(tmp_path / "configs"), "micro")
    plan = planner.plan([], ["knn"], [0], course=True)
    assert {step.state for step in plan.pretrainings} == {"done"}
    for step in plan.jobs:
        assert step.state == "todo"
        request = Request(
            kind="evaluate",
            profile="micro",
            recipe=step.recipe,
            jobs=(step.job,),
            root=micro_workspace.root,
        )
        assert run_evaluation(request)
    records = [
        read_record(
            micro_workspace.record_path("micro", step.recipe.name, step.job.protocol.name, 0)
        )
        for step in plan.jobs
    ]
    assert [record.course.count for record in records if record.course] == [7, 14]
    assert records[0].recipe.partway
    assert not records[1].recipe.partway
    assert records[0].pretrain_cost is not None
    assert records[0].pretrain_cost.images_seen == 7 * 32
    assert "@7" in records[0].command
    plan = Planner(micro_workspace, Catalog(tmp_path / "configs"), "micro").plan(
        [], ["knn"], [0], course=True
    )
    assert {step.state for step in plan.jobs} == {"done"}


def test_moments_outside_the_run_and_unknown_ones_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="keeps a checkpoint at 20"):
        parts(variant(tmp_path / "a", "simclr", [20]))
    recipe = variant(tmp_path / "b", "simclr", [7])
    with pytest.raises(BenchError, match="8"):
        Catalog(tmp_path / "b").select_recipes("micro", [f"{recipe.name}@8"])
    with pytest.raises(BenchError, match="keeps checkpoints"):
        with_parts([variant(tmp_path / "c", "simclr", [])])


def test_epochs_are_counted_where_the_run_counts_them(tmp_path: Path) -> None:
    text = "train_cfg = dict(_delete_=True, type='EpochBasedTrainLoop', max_epochs=8)\n"
    recipe = variant(tmp_path, "simclr", [0.25, 6], text)
    assert [one.name for one in parts(recipe)] == [
        f"{recipe.name}@epoch2",
        f"{recipe.name}@epoch6",
    ]


def test_a_run_of_epochs_keeps_them(micro_workspace: Workspace, tmp_path: Path) -> None:
    text = (
        "train_cfg = dict(_delete_=True, type='EpochBasedTrainLoop', max_epochs=2)\n"
        "train_dataloader = dict(sampler=dict(type='DefaultSampler'))\n"
        "default_hooks = dict(checkpoint=dict(by_epoch=True, interval=1))\n"
        "log_processor = dict(by_epoch=True)\n"
    )
    recipe = variant(tmp_path, "simclr", [1], text)
    pretrain(micro_workspace, recipe)
    half, end = (
        read_manifest(micro_workspace.checkpoint_dir("micro", name)).pretrain_cost
        for name in (f"{recipe.name}@epoch1", recipe.name)
    )
    assert half is not None
    assert end is not None
    assert half.images_seen * 2 == end.images_seen


class _Plain(torch.nn.Module):
    """Backbone and neck of one: the vectors are what is fed."""

    def forward(self, x: Any) -> Any:
        return (x,)


def test_contrastive_accuracy_by_hand() -> None:
    """Three images in the plane; the third's views lie apart, nearer to other images."""
    first = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    second = torch.tensor([[1.0, 0.1], [0.1, 1.0], [0.9, 0.0]])
    model = type("SimCLR", (), {})()
    model.backbone = model.neck = _Plain()
    model.neck = lambda x: x
    found = pretext._simclr(model, [first, second])
    # views: a, b, c, a', b', c'. c' lies on a: a finds c' (cosine 1), a' finds a (0.995, as c').
    cosines = torch.nn.functional.normalize(torch.cat([first, second]), dim=1)
    cosines = cosines @ cosines.T
    hits = [
        all(cosines[i, (i + 3) % 6] > cosines[i, j] for j in range(6) if j not in (i, (i + 3) % 6))
        for i in range(6)
    ]
    assert found.hits == pytest.approx(sum(hits) / 6)
    assert found.candidates == 5
    assert 0 < sum(hits) < 6


def test_a_tie_is_no_hit() -> None:
    assert pretext._picked(torch.ones(4, 4), torch.arange(4)) == 0
    assert pretext._picked(torch.eye(4), torch.arange(4)) == 1


def test_a_queue_holds_the_candidates() -> None:
    model = type("MoCo", (), {})()
    model.backbone, model.neck, model.encoder_k = _Plain(), (lambda x: x), _Plain()
    queries = torch.eye(3)
    keys = torch.tensor([[1.0, 0.5, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.2]])
    model.queue = torch.tensor([[0.9, 0.1, 0.0]]).T
    found = pretext._moco(model, [queries, keys])
    assert found.candidates == 2
    assert found.hits == pytest.approx(2 / 3)  # the first query is nearer to the queue's vector


@pytest.mark.parametrize("base", ["mrcl", "simclr", "mocov3", "mae"])
def test_measuring_changes_nothing_and_is_repeatable(micro_workspace: Workspace, base: str) -> None:
    """On the networks of the profile `small`, untrained, and micro's pictures."""
    from mmpretrain.registry import MODELS

    from mrcl_bench.catalog import load_catalog
    from mrcl_bench.engine.resume import rng_state
    from mrcl_bench.engine.runtime import import_custom
    from mrcl_bench.resolve import relocate

    recipe = next(
        r for n, r in load_catalog().recipes.items() if n.startswith(f"{base}_vit-128x4_1xb64-2000")
    )
    assert recipe.keep == (0.25, 0.5, 0.75)
    config = load_config(recipe.path)
    import_custom(config)
    relocate(config, micro_workspace.data)
    model = MODELS.build(config.model)
    model.init_weights()
    batches = pretext.loader(config, micro_workspace.data / "stamps-micro" / recipe.measure_on)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    rng = rng_state()
    one = pretext.measure(model, batches)
    assert torch.equal(rng["torch"], rng_state()["torch"])
    torch.rand(1)
    assert pretext.measure(model, batches) == one
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert model.training
    assert one["images"] == 64
    assert (one["reconstruction_error"] is not None) == (base in ("mrcl", "mae"))
    assert one["candidates"] == {"mrcl": 64, "simclr": 127, "mocov3": 64, "mae": None}[base]


def test_part_is_no_recipe_of_its_own(tmp_path: Path) -> None:
    recipe = variant(tmp_path, "simclr", [7])
    from mrcl_bench.course import Moment

    one = part(recipe, Moment(7, 14, "iter"))
    assert (one.owner, recipe.owner) == (recipe.name, recipe.name)
    assert one.path == recipe.path
    assert parts(one) == []


def test_images_that_are_not_there_are_named_before_training(
    micro_workspace: Workspace, tmp_path: Path
) -> None:
    recipe = variant(tmp_path, "simclr", [7], measure_on="nowhere")
    with pytest.raises(BenchError, match="nowhere"):
        pretrain(micro_workspace, recipe)
    assert not list((micro_workspace.runs / "pretrain/micro" / recipe.name).glob("*.pth"))
