"""The trained probe learns, chooses on train alone, and no head knows of the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("mmpretrain")

from mrcl_bench.jobs import linear_trained  # noqa: E402
from mrcl_bench.jobs.context import Context, Outcome  # noqa: E402

from .conftest import Bench  # noqa: E402
from .pictures import COLOURS, colour_folders, context_of, probe_of  # noqa: E402

FAMILIES = ("linear-sgd", "linear-lars")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return colour_folders(tmp_path_factory.mktemp("colours"))


def _run(
    bench: Bench, family: str, data: Path, lr: list[float] | None = None, epochs: int | None = None
) -> tuple[Context, Outcome]:
    context = context_of(bench, family, data)
    context.work_dir.mkdir(parents=True, exist_ok=True)
    if lr is not None:
        context.config.model.head.lr = lr
    if epochs is not None:
        context.config.train_cfg.max_epochs = epochs
    return context, linear_trained.run(context)


def _by_hand(context: Context, data: Path) -> np.ndarray:
    """Which val pictures the kept classifier gets right, from pixels on."""
    import cv2
    import torch
    from mmpretrain.registry import MODELS

    config = context.config.model
    backbone = MODELS.build(config.backbone)
    backbone.load_state_dict(context.weights)
    backbone.eval()
    kept, right = probe_of(context), []
    mean, std = np.array(config.data_preprocessor.mean), np.array(config.data_preprocessor.std)
    for path in sorted((data / "val").rglob("*.png")):
        pixels = (cv2.imread(str(path))[..., ::-1] - mean) / std
        tensor = torch.from_numpy(pixels.transpose(2, 0, 1).copy()).float()[None]
        with torch.no_grad():
            feature = backbone(tensor)[-1].mean(dim=(2, 3))[0].numpy()
        if "mean" in kept:
            feature = (feature - kept["mean"]) / np.sqrt(kept["variance"] + kept["eps"])
        guess = (kept["weight"] @ feature + kept["bias"]).argmax()
        right.append(guess == int(path.parent.name[1:]))
    return np.array(right)


@pytest.mark.parametrize("family", FAMILIES)
def test_it_learns_and_its_accuracy_is_that_of_the_kept_weights(
    bench: Bench, data: Path, family: str
) -> None:
    context, outcome = _run(bench, family, data)
    assert outcome.metrics["val/accuracy"] > 0.6, "chance is 0.25 with a deviation of 0.07"
    assert set(outcome.metrics) == {"val/accuracy"}
    right = outcome.arrays["val_correct"]
    assert right.shape == (10 * len(COLOURS),)
    assert right.mean() == outcome.metrics["val/accuracy"]
    assert np.array_equal(right, _by_hand(context, data))

    kept = probe_of(context)
    best = kept["held_out_accuracy"].argmax()
    assert outcome.choices == {
        "lr": kept["lr"][best],
        "held_out_accuracy": kept["held_out_accuracy"][best],
    }
    assert outcome.cost.images_seen == 6 * 64, "20 % of 80 pictures are held out"
    assert outcome.cost.epochs == pytest.approx(6)


@pytest.mark.parametrize(
    ("family", "rates"), [("linear-sgd", [0.03, 3.0]), ("linear-lars", [5, 50])]
)
def test_heads_do_not_know_of_each_other(
    bench: Bench, data: Path, family: str, rates: list[float]
) -> None:
    together, _ = _run(bench, family, data, rates, epochs=2)
    pair = probe_of(together)
    for index, rate in enumerate(rates):
        context, outcome = _run(bench, family, data, [rate], epochs=2)
        alone = probe_of(context)
        assert alone["held_out_accuracy"][0] == pair["held_out_accuracy"][index]
        assert "chosen value at the edge of the sweep" in outcome.flags
        if index == pair["held_out_accuracy"].argmax():
            for key in ("weight", "bias", "mean", "variance"):
                if key in alone:
                    np.testing.assert_allclose(alone[key], pair[key], rtol=1e-6, atol=1e-7)


def test_a_rate_that_cannot_learn_is_not_chosen(bench: Bench, data: Path) -> None:
    _, outcome = _run(bench, "linear-sgd", data, [1e-9, 0.3, 1.0])
    assert outcome.choices["lr"] in (0.3, 1.0)
    assert outcome.metrics["val/accuracy"] > 0.8


def test_the_choice_sees_no_reporting_split(bench: Bench, data: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "train").symlink_to(data / "train")
    for index in range(4):  # every val picture in the wrong folder
        (other / "val").mkdir(exist_ok=True)
        (other / "val" / f"c{index}").symlink_to(data / "val" / f"c{(index + 1) % 4}")
    _, one = _run(bench, "linear-sgd", data)
    _, spoiled = _run(bench, "linear-sgd", other)
    assert one.choices == spoiled.choices
    assert spoiled.metrics["val/accuracy"] < 0.2 < one.metrics["val/accuracy"]


def test_reporting_splits_are_looked_at_once_by_one_head(
    bench: Bench, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, int]] = []
    real = linear_trained._score

    def score(runner: Any, loader: Any) -> Any:
        found = real(runner, loader)
        kind = loader.dataset.get("type")
        seen.append((kind, len(found[0])))
        return found

    monkeypatch.setattr(linear_trained, "_score", score)
    _run(bench, "linear-sgd", data, epochs=1)
    assert seen == [("HeldOutPart", 4), ("CustomDataset", 1)]


def test_the_parts_of_train_do_not_meet(data: Path) -> None:
    from mmpretrain.datasets import CustomDataset

    from mrcl_bench.jobs.parts import HeldOutPart

    whole = CustomDataset(data_root=str(data / "train"))
    fitted, held = (HeldOutPart(whole, 0.2, 3, held) for held in (False, True))
    assert sorted([*fitted.indices, *held.indices]) == list(range(len(whole)))
    assert np.bincount([held[i]["gt_label"] for i in range(len(held))]).tolist() == [4] * 4
    assert held.metainfo["classes"] == whole.metainfo["classes"]
    assert set(HeldOutPart(whole, 0.2, 4, True).indices) != set(held.indices)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_micro_job_leaves_a_record(bench: Bench, family: str) -> None:
    record = bench.run(family)[0]
    assert record.failure is None
    assert set(record.metrics) == {"val/accuracy", "novel/accuracy"}
    assert record.load_report is not None and record.load_report.missing == []
    assert record.cost.images_seen == 6 * 96
    path = bench.workspace.record_path("micro", record.recipe.name, record.protocol.name, 0)
    with np.load(path.with_name(record.artifacts["per_sample"])) as stored:
        assert stored["val_correct"].mean() == record.metrics["val/accuracy"]
        assert stored["novel_correct"].shape == (48,)


TWO = """
import json, os, sys
from pathlib import Path

import torch
from mmengine.model import MMDistributedDataParallel

from mrcl_bench.catalog import Catalog
from mrcl_bench.jobs import linear_trained
from mrcl_bench.workspace import Workspace
from tests.conftest import MICRO_CONFIGS
from tests.jobs.conftest import Bench
from tests.jobs.pictures import context_of

context = context_of(
    Bench(Workspace.current(), Catalog(MICRO_CONFIGS)), "linear-lars", Path(sys.argv[1])
)
context.config.launcher = "pytorch"
torch.distributed.init_process_group("gloo")
# mmengine's own start and its choice of a device want a GPU
wrap = MMDistributedDataParallel.__init__
MMDistributedDataParallel.__init__ = lambda self, *, device_ids=None, **given: wrap(self, **given)
context.work_dir.mkdir(parents=True, exist_ok=True)
outcome = linear_trained.run(context)
found = dict(
    metrics=outcome.metrics,
    choices=outcome.choices,
    seen=outcome.cost.images_seen,
    right=[bool(one) for one in outcome.arrays.get("val_correct", [])],
)
Path(sys.argv[2], os.environ["RANK"] + ".json").write_text(json.dumps(found))
"""


@pytest.mark.slow
def test_two_processes_agree(bench: Bench, tmp_path: Path) -> None:
    import json
    import os
    import subprocess
    import sys

    data = colour_folders(tmp_path / "data")
    sorted((data / "val").rglob("*.png"))[-1].unlink()  # 39 pictures: not the same for both
    script = tmp_path / "two.py"
    script.write_text(TWO)
    root = Path(__file__).resolve().parents[2]
    path = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [*launch, str(script), str(data), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    one, two = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in (0, 1))
    assert one["metrics"] == two["metrics"] and one["choices"] == two["choices"]
    assert one["seen"] == two["seen"] == 6 * 64
    assert len(one["right"]) == 39 and two["right"] == []
    assert np.mean(one["right"]) == one["metrics"]["val/accuracy"]
    context = context_of(bench, "linear-lars", data)
    assert one["right"] == _by_hand(context, data).tolist()
