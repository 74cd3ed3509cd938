from __future__ import annotations

import pytest

from mrcl_bench.compare import build, summarise
from mrcl_bench.compare.ablation import ablations
from mrcl_bench.compare.pairs import compare_methods
from mrcl_bench.compare.pareto import Point, front
from mrcl_bench.compare.variants import parse
from mrcl_bench.record import Record
from mrcl_bench.report import ablations as tables
from mrcl_bench.report import render_tables
from mrcl_bench.report.plots import ablation, critical_difference, pareto
from tests.factories import example, seeds

BASE = "mrcl_vit-t6_tiny"


def variant(changes: str, values: list[float], **more: object) -> list[Record]:
    recipe = {"name": f"{BASE}__{changes}", "algorithm": "mrcl", "display": f"MRCL, {changes}"}
    return seeds(values, recipe=recipe, **more)


def sweep() -> list[Record]:
    return [
        *seeds([0.80, 0.82]),
        *seeds([0.70, 0.71], recipe="mae_vit-t6_tiny"),
        *seeds([0.30, 0.31], recipe="random_vit-t6_tiny"),
        *variant("mask_ratio=0.0", [0.75, 0.76]),
        *variant("reconstruct_weight=0.0", [0.77, 0.78]),
        *variant("mask_ratio=0.0__reconstruct_weight=0.0", [0.73, 0.74]),
        *variant("mask_ratio=0.9", [0.91, 0.92]),
        *variant("mask_ratio=0.25", [0.79, 0.80]),
        *variant("neck=mlp", [0.5, 0.6]),
    ]


@pytest.mark.parametrize(
    ("name", "base", "changes"),
    [
        ("mrcl_vit", "mrcl_vit", {}),
        ("mrcl_vit__mask_ratio=0.5", "mrcl_vit", {"mask_ratio": "0.5"}),
        ("a__b.c=1e-05__d=x+y", "a", {"b.c": "1e-05", "d": "x+y"}),
        ("two__words", "two__words", {}),
        ("__a=1", "__a=1", {}),
        ("a__b=", "a", {"b": ""}),
    ],
)
def test_names(name: str, base: str, changes: dict[str, str]) -> None:
    found = parse(name)
    assert (found.base, dict(found.changes)) == (base, changes)


def test_variants_are_rows_but_never_ranked() -> None:
    (matrix,) = build(sweep())
    (column,) = matrix.columns
    best = f"{BASE}__mask_ratio=0.9"
    assert column.cells[best].spread is not None
    assert column.cells[best].mark == "" and column.cells[BASE].mark == "best"
    assert [r.name for r in matrix.recipes][-1] != "random_vit-t6_tiny"
    (summary,) = summarise((matrix,))
    assert set(summary.ranks) == {BASE, "mae_vit-t6_tiny"}
    (compared,) = compare_methods(summary)
    assert {row.other.name for row in compared.rows} == {"mae_vit-t6_tiny", "random_vit-t6_tiny"}


def test_a_variant_without_its_base_is_a_row_like_others() -> None:
    (matrix,) = build([*variant("mask_ratio=0.9", [0.9, 0.91]), *seeds([0.5, 0.6], recipe="mae")])
    assert matrix.columns[0].cells[f"{BASE}__mask_ratio=0.9"].mark == "best"


def test_switches_curves_and_the_rest() -> None:
    (matrix,) = build(sweep())
    found = {each.kind: each for each in ablations(matrix)}
    assert set(found) == {"switches", "curve", "list"}
    assert len(found["switches"].points) == 4
    assert found["curve"].key == "mask_ratio"
    values = [variant.changes["mask_ratio"] for variant in found["curve"].points.values()]
    assert values == ["0.0", "0.25", "0.9"]
    assert list(found["list"].points) == [BASE, f"{BASE}__neck=mlp"]
    shown = {name for each in found.values() for name in each.points}
    assert shown == {recipe.name for recipe in matrix.recipes if recipe.name.startswith(BASE)}


def test_tables_of_ablations() -> None:
    texts = render_tables("tiny", sweep())
    switches, curve, _ = tables.views("tiny", build(sweep())[0])
    assert [tuple(c.text for c in row.cells) for row in switches.rows] == [
        ("yes", "yes", "81.0 ±1.4"),
        ("yes", "no", "77.5 ±0.7"),
        ("no", "yes", "75.5 ±0.7"),
        ("no", "no", "73.5 ±0.7"),
    ]
    assert [row.label for row in curve.rows][-1] == "MRCL itself" and curve.rows[-1].reference
    assert "masking x reconstruction" in texts["ablations.md"]
    assert len(texts["ablations.csv"].splitlines()) == 1 + 4 + 3 + 2
    assert "*variants*" in texts["classification.md"]
    assert "chosen on the split that is reported" in texts["classification.md"]
    assert "ablations.md" not in render_tables("tiny", example())


def test_front() -> None:
    points = [Point("a", 1, 1), Point("b", 2, 3), Point("c", 3, 2), Point("d", 2, 3)]
    assert [p.name for p in front(points)] == ["a", "b", "d"]
    assert front([]) == ()


def drawn(plot, records: list[Record]):  # type: ignore[no-untyped-def]
    matrices = build(records)
    return plot.figure("tiny", matrices, summarise(matrices), dict(enumerate(records)))


def test_figures() -> None:
    pytest.importorskip("matplotlib")
    figure = drawn(ablation, sweep())
    assert figure.svg.startswith("<svg") and "mask_ratio" in figure.svg
    assert drawn(ablation, example()) is None
    three = [
        record
        for protocol in ("vit-t6_linear_stamps", "vit-t6_knn_stamps")
        for place, name in enumerate((BASE, "mae_vit-t6_tiny", "simclr_vit-t6_tiny"))
        for record in seeds(
            [0.9 - 0.1 * place] * 2,
            recipe=name,
            protocol=protocol,
            pretrain_cost={"images_seen": 1000 * (1 + place)},
        )
    ]
    figure = drawn(critical_difference, three)
    assert "SimCLR 3.00" in figure.svg and "critical difference" in figure.svg
    assert drawn(critical_difference, example()) is None
    figure = drawn(pareto, three)
    assert "images seen" in figure.svg and "wall seconds" not in figure.svg
    assert drawn(pareto, seeds([0.5])) is None
