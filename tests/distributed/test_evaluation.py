"""What two processes measure is what one measures, to the bit, padding or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("mmdet")
pytest.importorskip("mmseg")

from mrcl_bench.catalog import read_bench_block  # noqa: E402
from mrcl_bench.record import Record, read_record  # noqa: E402
from mrcl_bench.workspace import Workspace  # noqa: E402

from ..conftest import MICRO_CONFIGS  # noqa: E402
from .evaluation import FAMILIES, RECIPE  # noqa: E402
from .start import torchrun  # noqa: E402

pytestmark = pytest.mark.slow

SIZES = {"classification": (41, 23), "detection": (11, 7), "segmentation": (11, 7)}
"""Pictures of val and novel; none divides by two."""

Both = dict[str, tuple[Record, Record, Any, Any]]


def _odd(folder: Path) -> Path:
    """The micro configs, with fewer pictures to judge."""
    for path in MICRO_CONFIGS.rglob("*.py"):
        block = read_bench_block(path)
        if block is None:
            continue
        text = f"_base_ = [{str(path)!r}]\nbench = {block!r}\n"
        if block["kind"] == "protocol":
            for name, size in zip(("val", "test"), SIZES[path.parent.name], strict=True):
                text += f"{name}_dataloader = dict(dataset=dict(indices={size}))\n"
        (folder / path.name).write_text(text)
    return folder


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, micro_root: Path, untrained: Path) -> Both:
    """Records and side files of each family, by one process and by two."""
    root = tmp_path_factory.mktemp("evaluation")
    (root / "configs").mkdir()
    torchrun(
        "tests.distributed.evaluation",
        _odd(root / "configs"),
        untrained,
        root,
        MRCL_BENCH_DATA=str(micro_root),
    )
    found: dict[str, list[Any]] = {family: [[], []] for family in FAMILIES}
    for name in ("alone", "together"):
        folder = Workspace(root / name).records("micro") / RECIPE
        for path in folder.rglob("seed0.json"):
            record = read_record(path)
            with np.load(path.with_name("seed0.per_sample.npz")) as arrays:
                found[record.protocol.family][0].append(record)
                found[record.protocol.family][1].append(dict(arrays))
    return {family: (*records, *arrays) for family, (records, arrays) in found.items()}


@pytest.mark.parametrize("family", FAMILIES)
def test_metrics_and_per_sample_results_are_the_same(both: Both, family: str) -> None:
    alone, together, one, other = both[family]
    assert alone.status == together.status == "completed"
    assert alone.metrics == together.metrics
    assert {"val", "novel"} == {name.split("/")[0] for name in alone.metrics}
    assert alone.choices == together.choices
    assert one.keys() == other.keys()
    assert one
    for name, array in one.items():
        if name.endswith("_score") and "det" not in name:
            # a batch of another size is summed in another order
            np.testing.assert_allclose(array, other[name], rtol=1e-4)
        else:
            np.testing.assert_array_equal(array, other[name])


def test_the_comparison_says_something(both: Both) -> None:
    for family, (alone, _, arrays, _) in both.items():
        assert 0 < alone.metrics[alone.protocol.main_metric] < 1
        if family in ("finetune", "linear-sgd"):
            assert len(arrays["val_correct"]) == SIZES["classification"][0]
            assert len(arrays["novel_correct"]) == SIZES["classification"][1]
    assert 0.1 < both["mask-rcnn"][0].metrics["val/segm_mAP_50"] < 0.9
