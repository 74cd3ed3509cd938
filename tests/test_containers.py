from __future__ import annotations

import argparse
import collections
import pathlib
import sys
import types
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from mrcl_bench.checkpoint import load_state_dict  # noqa: E402
from mrcl_bench.containers import unwrap  # noqa: E402
from mrcl_bench.errors import BenchError  # noqa: E402

W = {"a.weight": 1, "b": 2}


@pytest.mark.parametrize(
    "content",
    [
        W,
        {"state_dict": W, "epoch": 3, "optimizer": {"state": {}}},
        {"model": W},
        {"model_state_dict": W},
        {"net": W, "acc": 1.0},
        {"module": W},
        {"model": {"state_dict": W}},
        {"blobs": W},
        {"state_dict_ema": W},
        {"state_dict": "none", "model": W},
    ],
)
def test_usual_wrappers_are_taken_off(content: Any) -> None:
    assert unwrap(content) == W


def test_other_content_stays() -> None:
    for content in ([1], "text", None, {"strange": {"a": 1}}):
        assert unwrap(content) is content


def test_dinos_two_networks_are_joined() -> None:
    content = {"student": {"module.x": 1}, "teacher": {"x": 2}, "epoch": 3, "dino_loss": {"c": 1}}
    assert unwrap(content) == {"student.module.x": 1, "teacher.x": 2}
    assert unwrap({"teacher": {"x": 2}}) == {"teacher.x": 2}


def test_vissls_trunk_and_heads_are_joined() -> None:
    model = {"trunk": {"_feature_blocks.conv1.weight": 1}, "heads": {"0.clf.0.weight": 2}}
    content = {
        "classy_state_dict": {"base_model": {"model": model, "meta": {}}, "loss": {"x": 1}},
        "phase_idx": 1,
    }
    assert unwrap(content) == {
        "trunk._feature_blocks.conv1.weight": 1,
        "heads.0.clf.0.weight": 2,
    }


def test_byols_two_networks_are_joined() -> None:
    content = {"online_network_state_dict": {"x": 1}, "target_network_state_dict": {"x": 2}}
    assert unwrap(content) == {"online_network.x": 1, "target_network.x": 2}


@pytest.mark.parametrize("key", ["state_dict_ema", "model_ema", "ema_state_dict", "ema"])
def test_an_average_goes_beside_the_weights(key: str) -> None:
    assert unwrap({"state_dict": {"x": 1}, key: {"x": 2}}) == {"x": 1, "@average.x": 2}


def module(monkeypatch: pytest.MonkeyPatch, name: str, **content: type) -> None:
    """Makes a module that only pickling sees."""
    for end in range(1, name.count(".") + 1):
        package = ".".join(name.split(".")[:end])
        if package not in sys.modules:
            monkeypatch.setitem(sys.modules, package, types.ModuleType(package))
    made = types.ModuleType(name)
    for key, value in content.items():
        value.__module__, value.__qualname__ = name, key
        setattr(made, key, value)
    monkeypatch.setitem(sys.modules, name, made)


def test_a_checkpoint_of_lightnings_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = type("AttributeDict", (dict,), {})
    callback = type("ModelCheckpoint", (), {})
    config = type("DictConfig", (), {})
    module(monkeypatch, "pytorch_lightning.utilities.parsing", AttributeDict=settings)
    module(monkeypatch, "pytorch_lightning.callbacks.model_checkpoint", ModelCheckpoint=callback)
    module(monkeypatch, "omegaconf.dictconfig", DictConfig=config)
    made: Any = config()
    made.__dict__ = {"_content": collections.defaultdict(dict, a=1), "_metadata": dict}
    content = {
        "state_dict": {"backbone.conv1.weight": torch.ones(2)},
        "hyper_parameters": settings(lr=0.1, cfg=made, folder=pathlib.PosixPath("x")),
        "callbacks": {callback: {"best": torch.tensor(1.0)}},
        "args": argparse.Namespace(x=1),
        "epoch": 3,
    }
    path = tmp_path / "last.ckpt"
    torch.save(content, path)
    assert load_state_dict(path)["backbone.conv1.weight"].tolist() == [1, 1]


def test_unknown_classes_beside_the_weights_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module(monkeypatch, "omegaconf.other", Thing=type("Thing", (), {}))
    thing = sys.modules["omegaconf.other"].Thing()
    path = tmp_path / "last.ckpt"
    torch.save({"state_dict": {"x": torch.ones(2)}, "cfg": thing}, path)
    with pytest.raises(BenchError, match="omegaconf.other.Thing"):
        load_state_dict(path)
