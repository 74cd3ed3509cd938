"""Fine-tuning on few labels says in the record which pictures they were."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("mmpretrain")

from mrcl_bench.jobs import semi_supervised  # noqa: E402

from .conftest import Bench  # noqa: E402
from .pictures import colour_folders, context_of  # noqa: E402


@pytest.mark.parametrize("listed", [True, False])
def test_the_record_says_which_subset_it_was(bench: Bench, tmp_path: Path, listed: bool) -> None:
    data = colour_folders(tmp_path / "data", train=20, val=2)
    given = context_of(bench, "finetune", data)
    given.work_dir.mkdir(parents=True)
    names = tmp_path / "10percent.txt"
    if listed:
        names.write_text("c0_1.png\nc1_1.png\nc2_1.png\nc3_1.png\nc3_2.png\n")
    loader = given.config.train_dataloader
    loader.batch_size = 4
    loader.dataset.type = "ListedFolder"
    loader.dataset |= dict(names=str(names), share=0.1, seed=0)
    outcome = semi_supervised.run(given)
    assert set(outcome.metrics) == {"val/accuracy"}
    assert outcome.choices["pictures"] == (5 if listed else 8)
    if listed:
        assert outcome.choices["subset"].startswith("10percent.txt, sha256 ")
        assert outcome.flags == []
    else:
        assert outcome.choices["subset"] == "drawn with seed 0"
        assert outcome.flags == ["subset drawn with seed 0, not 10percent.txt"]
    assert outcome.cost.images_seen == (4 if listed else 8)
