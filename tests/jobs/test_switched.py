"""Jobs that were trained with switches say so, and are measured as all others."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("mmpretrain")

from mrcl_bench.jobs.evaluate import run_evaluation  # noqa: E402
from mrcl_bench.record import read_record  # noqa: E402

from .conftest import Bench  # noqa: E402


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "effective"),
    [("finetune", ("bf16", "fused")), ("mask-rcnn", ("fused",)), ("upernet", ("bf16", "fused"))],
)
def test_the_record_names_what_had_an_effect(
    bench: Bench, family: str, effective: tuple[str, ...]
) -> None:
    path = bench.folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["pretrain"]["cost"]["switches"] = ["channels-last"]
    path.write_text(json.dumps(manifest))
    asked = bench.request(family).model_copy(update={"switches": ("bf16", "fused")})
    assert run_evaluation(asked)
    (job,) = asked.jobs
    record = read_record(
        bench.workspace.record_path("micro", job.recipe.name, job.protocol.name, 0)
    )
    assert record.cost.switches == effective
    trained = f"trained with {' and '.join(effective)}"
    assert record.flags[:2] == ["pretrained with channels-last", trained]
    assert record.command.endswith(" --switch bf16 --switch fused --force")
    assert 0 <= record.metrics[job.protocol.main_metric] <= 1


def test_what_trains_nothing_names_none(bench: Bench) -> None:
    asked = bench.request("knn").model_copy(update={"switches": ("bf16",)})
    assert run_evaluation(asked)
    (job,) = asked.jobs
    record = read_record(
        bench.workspace.record_path("micro", job.recipe.name, job.protocol.name, 0)
    )
    assert record.cost.switches == () and not any("bf16" in flag for flag in record.flags)
