"""Jobs in a process: the loading contract, failures that stay visible, what a record says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mrcl_bench.catalog import Catalog
from mrcl_bench.errors import BenchError
from mrcl_bench.jobs import train_eval

from .conftest import Bench


def _rename(weights: dict[str, Any]) -> dict[str, Any]:
    old = "layers.0.attn.qkv.weight"
    assert old in weights
    return {("layers.0.attn.kqv.weight" if k == old else k): v for k, v in weights.items()}


def _prefix(weights: dict[str, Any]) -> dict[str, Any]:
    return {f"module.{key}": value for key, value in weights.items()}


def _fewer(weights: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in weights.items() if not key.startswith("layers.3")}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (_rename, ["layers.0.attn.qkv.weight", "layers.0.attn.kqv.weight"]),
        (_prefix, ["cls_token", "module.cls_token"]),
        (_fewer, ["layers.3.attn.qkv.weight"]),
    ],
)
@pytest.mark.parametrize("protocol", ["linear", "finetune"])
def test_weights_that_do_not_fit_are_refused(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, protocol: str, change: Any, named: list[str]
) -> None:
    from mmengine.runner import Runner

    def trained(self: Any) -> None:
        raise AssertionError("training began")

    monkeypatch.setattr(Runner, "train", trained)
    bench.change_weights(change)
    record = bench.run(protocol)[0]
    assert record.failure is not None
    assert record.failure.kind == "load", record.failure.message
    for key in named:
        assert key in record.failure.message
    assert record.metrics == {}
    assert not (bench.workspace.runs / "features").exists() or not list(
        (bench.workspace.runs / "features").glob("*.npz")
    )


def test_training_starts_from_the_loaded_weights(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`Runner.train` would initialise the backbone again over what was loaded."""
    from mrcl_bench.checkpoint import load_state_dict

    seen: list[dict[str, Any]] = []
    real = train_eval.build_runner

    def build(*arguments: Any) -> Any:
        from mmengine.hooks import Hook

        class Look(Hook):
            def before_train_iter(self, runner: Any, batch_idx: int, data_batch: Any) -> None:
                if not seen:
                    state = runner.model.backbone.state_dict()
                    seen.append({key: value.clone() for key, value in state.items()})

        runner = real(*arguments)
        runner.register_hook(Look())
        return runner

    monkeypatch.setattr(train_eval, "build_runner", build)
    record = bench.run("finetune")[0]
    assert record.failure is None
    weights = load_state_dict(bench.folder / "backbone.pth")
    assert set(seen[0]) == set(weights)
    for key, value in weights.items():
        assert (seen[0][key] == value).all(), key


def test_a_record_says_all(bench: Bench, micro_root: Path) -> None:
    record = bench.run("finetune")[0]
    assert record.status == "completed"
    manifest = json.loads((bench.folder / "manifest.json").read_text())
    assert record.checkpoint is not None
    assert record.checkpoint.sha256 == manifest["weights_sha256"]
    assert record.checkpoint.source_sha256 == manifest["source_sha256"]
    assert record.recipe.config_sha256 == manifest["pretrain"]["recipe_sha256"]
    assert record.load_report is not None
    assert record.load_report.loaded == manifest["keys"]["loaded"]
    assert (record.load_report.missing, record.load_report.unexpected) == ([], [])
    assert record.data.id == "stamps-micro-shapes"
    assert record.data.shapes_fallback
    assert record.cost.images_seen == 96  # three batches of 32 of the 120 pictures
    assert set(record.metrics) == {"val/accuracy", "novel/accuracy"}
    assert all(0 <= value <= 1 for value in record.metrics.values())
    assert "--force" in record.command


def test_per_sample_results_lie_beside_the_record(bench: Bench) -> None:
    record = bench.run("linear")[0]
    path = bench.workspace.record_path("micro", record.recipe.name, record.protocol.name, 0)
    with np.load(path.with_name(record.artifacts["per_sample"])) as stored:
        assert stored["val_correct"].shape == (96,)
        assert stored["val_correct"].mean() == record.metrics["val/accuracy"]


def test_a_failed_job_does_not_stop_the_next(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from mrcl_bench.jobs import knn

    def fail(context: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(knn, "run", fail)
    by_family = {record.protocol.family: record for record in bench.run("knn", "linear")}
    assert by_family["knn"].failure is not None
    assert by_family["knn"].failure.kind == "memory"
    assert by_family["linear"].status == "completed"


def test_a_missing_main_metric_is_a_failure(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from mrcl_bench.jobs import linear

    real = linear.run

    def lose(context: Any) -> Any:
        outcome = real(context)
        outcome.metrics = {"novel/accuracy": 0.5}
        return outcome

    monkeypatch.setattr(linear, "run", lose)
    record = bench.run("linear")[0]
    assert record.failure is not None
    assert "val/accuracy" in record.failure.message


def test_a_signal_leaves_no_record(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from mrcl_bench.jobs import linear

    def stop(context: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(linear, "run", stop)
    with pytest.raises(KeyboardInterrupt):
        bench.run("linear")
    assert not bench.workspace.records("micro").exists()


def test_damaged_weights_begin_nothing(bench: Bench) -> None:
    path = bench.folder / "backbone.pth"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(BenchError, match="changed or truncated"):
        bench.run("linear")
    assert not bench.workspace.records("micro").exists()


def test_missing_data_begins_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MRCL_BENCH_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(BenchError) as caught:
        bench.run("linear")
    assert "mrcl-bench data" in caught.value.cure


@pytest.mark.parametrize("protocol", ["linear", "mask-rcnn", "upernet"])
@pytest.mark.parametrize(
    ("change", "mean", "std", "order"),
    [
        ({"mean": [1, 2, 3], "std": [4, 5, 6], "channel_order": "bgr"}, [1, 2, 3], [4, 5, 6], 0),
        ({"mean": [0.5] * 3, "std": [0.5] * 3, "value_range": [0, 1]}, [127.5] * 3, [127.5] * 3, 1),
    ],
)
def test_normalisation_follows_the_checkpoint(
    bench: Bench, protocol: str, change: dict[str, Any], mean: Any, std: Any, order: int
) -> None:
    from mrcl_bench.jobs.evaluate import _follow_normalisation
    from mrcl_bench.normalisation import checked
    from mrcl_bench.resolve import load_config

    manifest = json.loads((bench.folder / "manifest.json").read_text())
    config = load_config(bench.catalog.select_protocols("micro", [protocol])[0].path)
    fed = checked({**manifest["normalisation"], **change})
    (remark,) = _follow_normalisation(config, fed)
    processor = config.model.data_preprocessor
    assert (list(processor.mean), list(processor.std)) == (mean, std)
    key = "to_rgb" if protocol == "linear" else "bgr_to_rgb"
    assert processor[key] is bool(order)
    assert f"mean {mean[0]:g}" in remark
    assert _follow_normalisation(config, fed) == [], "now it is the config's own"


def test_layer_norms_follow_the_weights(bench: Bench) -> None:
    from mmpretrain.registry import MODELS

    from mrcl_bench.convert._architecture import Architecture
    from mrcl_bench.jobs.evaluate import _follow_norm_eps
    from mrcl_bench.resolve import load_config

    config = load_config(bench.catalog.select_protocols("micro", ["knn"])[0].path)
    assert _follow_norm_eps(config, Architecture(label="v", type="vit")) == []
    hugging = Architecture(label="v", type="vit", norm_eps=1e-12)
    assert len(_follow_norm_eps(config, hugging)) == 1
    backbone = MODELS.build(config.model.backbone)
    assert {backbone.layers[0].ln1.eps, backbone.ln1.eps} == {1e-12}


def test_a_record_says_what_its_weights_were_fed(bench: Bench) -> None:
    from mrcl_bench.atomic import write_json

    plain = bench.run("knn")[0]
    assert plain.flags == []
    assert plain.normalisation is not None
    assert plain.normalisation.mean[0] == 123.675
    manifest = json.loads((bench.folder / "manifest.json").read_text())
    manifest["normalisation"].update(mean=[0.5] * 3, std=[0.5] * 3, value_range=[0, 1])
    write_json(bench.folder / "manifest.json", manifest)
    other = bench.run("knn")[0]
    assert other.normalisation is not None
    assert other.normalisation.value_range == (0, 1)
    assert other.flags == [
        "fed as its weights expect: rgb, mean 127.5 127.5 127.5, std 127.5 127.5 127.5"
    ]


def _variant(bench: Bench, tmp_path: Path, base: str, name: str, text: str) -> None:
    """Adds a protocol that changes a micro one."""
    from mrcl_bench.catalog import _build, read_bench_block

    original = bench.catalog.select_protocols("micro", [base])[0]
    block = read_bench_block(original.path)
    assert block is not None
    path = tmp_path / f"{name}.py"
    path.write_text(
        f"_base_ = [{str(original.path)!r}]\nbench = {dict(block, family=name)!r}\n{text}"
    )
    catalog = Catalog()
    spec = _build(path, dict(block, family=name))
    catalog.protocols[name] = spec  # type: ignore[assignment]
    bench.catalog = catalog


def test_a_detector_that_predicts_nothing_has_ap_0_and_a_flag(bench: Bench, tmp_path: Path) -> None:
    text = "model = dict(test_cfg=dict(rcnn=dict(score_thr=1.1)))\n"
    _variant(bench, tmp_path, "mask-rcnn", "mute", text + "train_cfg = dict(max_iters=1)\n")
    record = bench.run("mute")[0]
    assert record.failure is None, record.failure
    assert record.metrics["val/bbox_mAP"] == 0
    assert record.metrics["novel/segm_mAP"] == 0
    assert record.flags == ["no predictions on val", "no predictions on novel"]


def test_a_loss_that_is_not_finite_is_told(bench: Bench, tmp_path: Path) -> None:
    text = 'optim_wrapper = dict(optimizer=dict(_delete_=True, type="SGD", lr=1e30))\n'
    _variant(bench, tmp_path, "finetune", "wild", text)
    record = bench.run("wild")[0]
    assert record.failure is not None
    assert record.failure.kind == "diverged"
    assert "step" in record.failure.message
