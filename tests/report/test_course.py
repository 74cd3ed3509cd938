"""Pretext task against transfer over a course: the table, the figure, and who stays out."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from mrcl_bench.compare import build
from mrcl_bench.record import Record
from mrcl_bench.report.course import course_views, curves
from mrcl_bench.report.tables import render_tables

from ..factories import make_record, sha


def kept(
    recipe: str, count: int, value: float, accuracy: float | None = 0.5, seed: int = 0, **more: Any
) -> Record:
    """A record of a checkpoint after some of 400 steps; at 400 of the recipe's end."""
    name = recipe if count == 400 else f"{recipe}@{count}"
    display = recipe.upper() if count == 400 else f"{recipe.upper()} @ {count}"
    course = {
        "of": recipe, "count": count, "total": 400, "unit": "iter", "images": 512, "seen": False,
        "contrastive_accuracy": accuracy, "candidates": 63 if recipe == "simclr" else 64,
        "reconstruction_error": 1 - count / 1000 if recipe == "mrcl" else None,
    }  # fmt: skip
    more.setdefault("protocol", "vit-t6_linear_stamps")
    key = "val/bbox_mAP" if "mask" in more["protocol"] else "val/accuracy"
    return make_record(
        recipe={
            "name": name, "algorithm": recipe, "display": display, "role": "method",
            "config_sha256": sha(recipe), "backbone": "vit-t6",
        },
        course=course,
        seed=seed,
        checkpoint={"sha256": sha(name), "source_sha256": sha(name)},
        **{"metrics": {key: value}, **more},
    )  # fmt: skip


def run(recipe: str) -> list[Record]:
    """Contrastive accuracy goes on rising, the linear probe turns."""
    found = []
    for count, accuracy, value in ((100, 0.5, 0.40), (200, 0.8, 0.50), (400, 0.9, 0.45)):
        for seed, wobble in enumerate((0.0, 0.02)):
            found.append(kept(recipe, count, value + wobble, accuracy, seed))
        protocol = "mask-rcnn_vit-t6_stamps"
        found.append(kept(recipe, count, value / 10, accuracy, protocol=protocol))
    return found


def test_a_curve_is_in_order_and_has_its_end() -> None:
    curve, other = curves([*run("simclr"), *run("mrcl")][::-1])
    assert (curve.recipe, other.recipe) == ("mrcl", "simclr")
    assert curve.display == "MRCL"
    assert [point.count for point in curve.points] == [100, 200, 400]
    assert [point.transfer["vit-t6_linear_stamps"].mean for point in curve.points] == [
        pytest.approx(mean) for mean in (0.41, 0.51, 0.46)
    ]


def test_the_table() -> None:
    (view,) = course_views("tiny", [*run("mrcl"), *run("simclr")])
    assert [row.label for row in view.rows][:3] == [
        f"MRCL, {count} of 400 iters" for count in (100, 200, 400)
    ]
    assert [cell.text for cell in view.rows[0].cells] == ["50.0", "64", "0.900", "41.0 ±1.4", "4.0"]
    assert [cell.text for cell in view.rows[5].cells][:3] == ["90.0", "63", "—"]
    notes = " ".join(view.notes)
    assert "63, 64" in notes
    assert "no recipe trained on" in notes


def test_no_course_no_table() -> None:
    plain = [make_record(recipe="mrcl_vit-t6_tiny", seed=seed) for seed in (0, 1)]
    ends = [record for record in run("mrcl") if not record.recipe.partway]
    assert course_views("tiny", [*plain, *ends]) == []
    assert "course.md" not in render_tables("tiny", plain)
    assert "course.md" in render_tables("tiny", run("mrcl"))


def test_what_is_partway_is_no_rival() -> None:
    names = {recipe.name for matrix in build(run("mrcl")) for recipe in matrix.recipes}
    assert names == {"mrcl"}


def test_an_end_judged_before_is_shown_without_its_pretext_task() -> None:
    records = [
        record if record.recipe.partway else record.model_copy(update={"course": None})
        for record in run("mrcl")
    ]
    (view,) = course_views("tiny", records)
    assert [cell.text for cell in view.rows[2].cells][:4] == ["—", "—", "—", "46.0 ±1.4"]
    assert "--force" in view.notes[-1]


def test_other_protocols_data_and_weights_stay_out() -> None:
    good = run("mrcl")
    late = {"finished": "2027-01-01T00:00:00+00:00"}
    other = [
        kept("mrcl", 100, 0.99, seed=5, data={"sha256": sha("older")}),
        kept("mrcl", 100, 0.99, seed=6).model_copy(
            update={"checkpoint": good[0].checkpoint.model_copy(update={"sha256": sha("x")})}
        ),
        kept("mrcl", 200, 0.99, seed=7, failure={"kind": "diverged", "message": "nan"}),
    ]
    newer = [record.model_copy(update=late) for record in good]
    assert curves([*other, *newer]) == curves(newer)


def test_the_figure() -> None:
    pytest.importorskip("matplotlib")
    from mrcl_bench.report.figures import figures

    records = {Path(f"{n}.json"): r for n, r in enumerate([*run("mrcl"), *run("simclr")])}
    drawn = figures("tiny", (), (), records)["overfitting"]
    root = ElementTree.fromstring(drawn.svg)
    words = " ".join("".join(node.itertext()) for node in root.iter())
    for word in ("MRCL", "SIMCLR", "contrastive accuracy", "Reconstruction error", "box AP"):
        assert word in words
    assert "overfits" in drawn.caption[0]
    assert "overfitting" not in figures("tiny", (), (), {Path("a"): make_record()})
    alone = [kept("mae", count, 0.5, None) for count in (100, 400)]
    assert "overfitting" not in figures("tiny", (), (), dict(zip("ab", alone, strict=True)))
