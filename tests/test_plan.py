"""What is to be done, and the reason for each job; what stands is left alone."""

from __future__ import annotations

import pytest

from mrcl_bench.errors import EXIT_USAGE, BenchError
from mrcl_bench.plan import Plan

from .toy import Toy

pytest.importorskip("mmengine")


def _reasons(plan: Plan) -> dict[tuple[str, str, int], str]:
    """The reason of every job that is not done, by recipe, protocol and seed."""
    return {
        (step.recipe.name, step.job.protocol.name, step.job.seed): step.reason
        for step in plan.jobs
        if step.state != "done"
    }


def test_nothing_there(toy: Toy) -> None:
    plan = toy.plan()
    assert [step.reason for step in plan.pretrainings] == ["no checkpoint"] * 2
    assert list(_reasons(plan).values()) == ["no record"] * 8
    assert [step.recipe.name for step in plan.needed_pretrainings()] == ["mine", "theirs"]


def test_nothing_changed_nothing_to_run(toy: Toy) -> None:
    toy.finish()
    plan = toy.plan()
    assert _reasons(plan) == {}
    assert {step.reason for step in plan.jobs} == {"record is there"}
    assert {step.reason for step in plan.pretrainings} == {"checkpoint is there"}
    assert plan.needed_pretrainings() == []


def test_a_deleted_record_runs_alone(toy: Toy) -> None:
    toy.finish()
    toy.workspace.record_path("micro", "mine", "tune", 1).unlink()
    plan = toy.plan()
    assert _reasons(plan) == {("mine", "tune", 1): "no record"}
    assert plan.needed_pretrainings() == []


def test_a_failed_record_runs_again(toy: Toy) -> None:
    toy.finish()
    toy.record("mine", "probe", 0, failure={"kind": "memory", "message": "killed"})
    assert _reasons(toy.plan()) == {("mine", "probe", 0): "failed before: memory"}


def test_a_rehearsal_is_no_result(toy: Toy) -> None:
    toy.finish()
    toy.record("mine", "probe", 0, rehearsal={"images": "224 to 128 px"})
    assert _reasons(toy.plan()) == {("mine", "probe", 0): "only rehearsed"}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema_version": 1}', '{"schema_version": 99}'])
def test_an_unreadable_record_runs_again(toy: Toy, text: str) -> None:
    toy.finish()
    toy.workspace.record_path("micro", "mine", "probe", 0).write_text(text)
    assert _reasons(toy.plan()) == {("mine", "probe", 0): "record is unreadable"}


def test_a_changed_protocol_reruns_only_its_jobs(toy: Toy) -> None:
    toy.finish()
    toy.edit("tune", "k = 5", "k = 6")
    plan = toy.plan()
    assert _reasons(plan) == {
        (recipe, "tune", seed): "protocol config changed"
        for recipe in ("mine", "theirs")
        for seed in (0, 1)
    }
    assert plan.needed_pretrainings() == []


def test_a_new_display_name_reruns_nothing(toy: Toy) -> None:
    toy.finish()
    toy.edit("tune", "display='tune'", "display='Tuned to the end'")
    assert _reasons(toy.plan()) == {}


def test_a_changed_recipe_reruns_its_pretraining_and_jobs(toy: Toy) -> None:
    toy.finish()
    toy.edit("mine", "lr = 0.1", "lr = 0.2")
    plan = toy.plan()
    assert _reasons(plan) == {
        ("mine", protocol, seed): "recipe config changed"
        for protocol in ("probe", "tune")
        for seed in (0, 1)
    }
    assert [(s.recipe.name, s.state, s.reason) for s in plan.pretrainings] == [
        ("mine", "todo", "recipe config changed"),
        ("theirs", "done", "checkpoint is there"),
    ]
    assert [step.recipe.name for step in plan.needed_pretrainings()] == ["mine"]


def test_changed_data_reruns_all(toy: Toy) -> None:
    toy.finish()
    (toy.root / "data/toy/picture.txt").write_text("another")
    plan = toy.plan()
    assert set(_reasons(plan).values()) == {"data changed"}
    assert len(_reasons(plan)) == 8
    assert {step.reason for step in plan.pretrainings} == {"pretraining data changed"}


def test_other_weights_rerun_their_jobs(toy: Toy) -> None:
    toy.finish()
    toy.pretrained("theirs", weights="another w")
    reasons = _reasons(toy.plan())
    assert set(reasons.values()) == {"weights changed"}
    assert {recipe for recipe, _, _ in reasons} == {"theirs"}


def test_a_lost_checkpoint_is_not_made_again_while_its_records_stand(toy: Toy) -> None:
    toy.finish()
    folder = toy.workspace.checkpoint_dir("micro", "mine")
    (folder / "backbone.pth").write_text("cut")
    plan = toy.plan()
    assert plan.pretrainings[0].reason == "no checkpoint"
    assert _reasons(plan) == {}
    assert plan.needed_pretrainings() == []
    toy.workspace.record_path("micro", "mine", "probe", 0).unlink()
    plan = toy.plan()
    assert list(_reasons(plan)) == [("mine", "probe", 0)]
    assert [step.recipe.name for step in plan.needed_pretrainings()] == ["mine"]


def test_missing_data_blocks_and_says_why(toy: Toy) -> None:
    (toy.root / "data/toy/picture.txt").unlink()
    (toy.root / "data/toy").rmdir()
    plan = toy.plan()
    assert {step.state for step in (*plan.jobs, *plan.pretrainings)} == {"blocked"}
    assert all("own:toy" in step.reason for step in plan.jobs)


def test_records_stand_where_the_data_is_gone(toy: Toy) -> None:
    toy.finish()
    (toy.root / "data/toy/picture.txt").unlink()
    (toy.root / "data/toy").rmdir()
    assert _reasons(toy.plan()) == {}


def test_force_plans_done_jobs_again(toy: Toy) -> None:
    toy.finish()
    reasons = _reasons(toy.plan(protocols=["tune"], seeds=[1], force=True))
    assert reasons == {(r, "tune", 1): "asked to run again" for r in ("mine", "theirs")}


def test_the_same_seed_twice_is_refused(toy: Toy) -> None:
    with pytest.raises(BenchError, match="seed is given twice: 0, 1, 0") as caught:
        toy.plan(seeds=[0, 1, 0])
    assert caught.value.exit_code == EXIT_USAGE


def test_another_backbone_gets_no_job(toy: Toy) -> None:
    toy.edit("probe", 'backbone="toy"', 'backbone="other"')
    assert {step.job.protocol.name for step in toy.plan().jobs} == {"tune"}
