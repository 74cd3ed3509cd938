"""Configs that publishers leave beside weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mrcl_bench.convert._beside import beside

HALF = (127.5, 127.5, 127.5)
HF = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}


def read(folder: Path, **files: Any) -> Any:
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / f"{name}.json").write_text(text)
    return beside(folder / "model.safetensors")


@pytest.mark.parametrize(
    "files",
    [
        {"config": {"pretrained_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3}}},
        {"config": {"architecture": "vit", "mean": [0.5] * 3, "std": [0.5] * 3}},
        {"preprocessor_config": HF},
        {"preprocessor_config": {**HF, "do_rescale": True, "rescale_factor": 1 / 255}},
        {
            "preprocessor_config": {
                "do_rescale": False, "image_mean": [127.5] * 3, "image_std": [127.5] * 3,
            }
        },
        {"preprocessor_config": HF, "config": {"mean": [0.1] * 3, "std": [0.1] * 3}},
    ],
)  # fmt: skip
def test_mean_and_std_are_of_bytes(tmp_path: Path, files: dict[str, Any]) -> None:
    found = read(tmp_path, **files)
    assert found.normalisation is not None
    assert found.normalisation["mean"] == pytest.approx(HALF)
    assert found.normalisation["std"] == pytest.approx(HALF)
    assert found.normalisation["channel_order"] == "rgb"
    assert len(found.notes) == 1


def test_no_normalisation_means_only_rescaled(tmp_path: Path) -> None:
    found = read(tmp_path, preprocessor_config={"do_normalize": False, "do_rescale": True})
    assert found.normalisation["mean"] == (0, 0, 0)
    assert found.normalisation["std"] == (255, 255, 255)


def test_heads_are_in_the_models_config(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        preprocessor_config=HF,
        config={"num_attention_heads": 6, "layer_norm_eps": 1e-12, "hidden_size": 384},
    )
    assert found.traits == {"num_heads": 6, "norm_eps": 1e-12}
    assert len(found.notes) == 2
    assert all(note.endswith(".") for note in found.notes)


@pytest.mark.parametrize(
    "config",
    [
        "",
        "[]",
        "{",
        {"mean": "imagenet", "std": 1},
        {"mean": [0.5] * 4, "std": [0.5] * 4},
        {"image_mean": [0.5] * 3},
        {"num_attention_heads": True},
        {**HF, "rescale_factor": "x"},
    ],
)
def test_other_files_are_passed_over(tmp_path: Path, config: Any) -> None:
    found = read(tmp_path, config=config)
    assert (found.normalisation, found.traits, found.notes) == (None, {}, ())
