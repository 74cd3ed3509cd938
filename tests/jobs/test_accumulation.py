"""A job named for two GPUs trains the same network in one process, over two passes a step."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mmpretrain")

from mrcl_bench.catalog import Catalog, read_bench_block  # noqa: E402
from mrcl_bench.record import Batch  # noqa: E402
from mrcl_bench.workspace import Workspace  # noqa: E402

from ..conftest import MICRO_CONFIGS  # noqa: E402
from .conftest import RANDOM, Bench  # noqa: E402

NAMES = {size: f"vit-128x4_{size}-finetune-2e_stamps48-micro" for size in ("1xb32", "2xb16")}


def _write(folder: Path, size: str) -> None:
    (base,) = (MICRO_CONFIGS / "classification").glob("*finetune*")
    (folder / f"{NAMES[size]}.py").write_text(
        f"""_base_ = [{str(base)!r}]
bench = {read_bench_block(base)!r}
train_dataloader = dict(batch_size={size[3:]}, dataset=dict(indices=64))
train_cfg = dict(max_epochs=2)
optim_wrapper = dict(optimizer=dict(_delete_=True, type="SGD", lr=0.05, momentum=0.9))
"""
    )


@pytest.mark.slow
def test_passes_add_up_to_the_named_batch(
    micro_workspace: Workspace, tmp_path: Path, untrained: Path
) -> None:
    configs = tmp_path / "configs"
    configs.mkdir()
    for size in NAMES:
        _write(configs, size)
    (random,) = MICRO_CONFIGS.rglob(f"{RANDOM}.py")
    block = read_bench_block(random)
    (configs / random.name).write_text(f"_base_ = [{str(random)!r}]\nbench = {block!r}\n")
    bench = Bench(micro_workspace, Catalog(configs))
    shutil.copytree(untrained, bench.folder)

    scores = []
    for size, passes in (("1xb32", 1), ("2xb16", 2)):
        (record,) = bench.run(NAMES[size])
        assert record.status == "completed", record.failure
        assert record.cost.batch == Batch(named=32, total=32, processes=1, accumulated=passes)
        assert record.cost.images_seen == 128
        path = micro_workspace.record_path("micro", RANDOM, NAMES[size], 0)
        with np.load(path.with_name("seed0.per_sample.npz")) as arrays:
            scores.append(arrays["val_score"])
    np.testing.assert_allclose(scores[0], scores[1], rtol=1e-3)
    assert np.ptp(scores[0]) > 0.01  # it learned something
