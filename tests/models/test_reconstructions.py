"""Pictures of what a masked model fills in: right pixels, nothing changed by taking them."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch
from mmpretrain.registry import MODELS

from mrcl_bench import reconstructions as module
from mrcl_bench.checkpoint import state_dict_sha256
from mrcl_bench.reconstructions import COUNT, reconstructions

from .conftest import ARCH, RESNET, VIT, head

MEAN, STD = [120.0, 115.0, 100.0], [60.0, 55.0, 50.0]


class _Set:
    """A training set whose crops are random, as in pretraining."""

    def __init__(self, count: int, side: int, views: int = 2) -> None:
        rng = np.random.default_rng(1)
        self.images = rng.integers(0, 255, size=(count, 3, side, side)).astype(np.uint8)
        self.views = views

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, place: int) -> dict[str, Any]:
        turns = int(np.random.randint(4))
        view = torch.from_numpy(np.rot90(self.images[place], turns, axes=(1, 2)).copy())
        return {"inputs": [view, view.flip(1)] if self.views == 2 else view}


def _mae(norm_pix: bool = True) -> Any:
    decoder = {**VIT["decoder"], "type": "MAEPretrainDecoder"}
    return MODELS.build(
        dict(
            type="MAE",
            backbone=dict(type="MAEViT", arch=ARCH, img_size=24, patch_size=4, mask_ratio=0.75),
            neck=decoder,
            head={**head(4), "norm_pix": norm_pix},
        )
    )


@pytest.fixture(params=["vit", "resnet", "mae", "mae raw pixels"])
def case(request: pytest.FixtureRequest, build: Any) -> tuple[Any, _Set, float, int]:
    """Model, training set, share hidden and side of a patch."""
    if request.param.startswith("mae"):
        return _mae(norm_pix=request.param == "mae"), _Set(20, 24, views=1), 0.75, 4
    if request.param == "vit":
        return build(VIT), _Set(20, 24), 0.5, 4
    return build(RESNET), _Set(20, 64), 0.5, 16


def _take(model: Any, data: _Set, to_rgb: bool = True) -> dict[str, Any]:
    found = reconstructions(model, data, MEAN, STD, to_rgb, "abc")
    assert found is not None
    return found


def test_what_was_visible_stays_and_the_hidden_is_grey(case: Any) -> None:
    model, data, share, patch = case
    found = _take(model, data)
    side = data.images.shape[-1]
    assert found["original"].shape == (COUNT, side, side, 3)
    assert found["mask_ratio"] == share and str(found["weights"]) == "abc"
    hidden = (np.abs(found["masked"].astype(int) - 128) <= 1).all(axis=-1)
    assert hidden.mean() == pytest.approx(share, abs=0.01)
    grid = hidden[:, ::patch, ::patch].repeat(patch, axis=1).repeat(patch, axis=2)
    visible = ~grid
    for name in ("masked", "reconstructed"):
        assert np.array_equal(found[name][visible], found["original"][visible])
    assert not np.array_equal(found["reconstructed"], found["original"])


def test_a_model_that_knew_the_answer_would_show_the_original(
    case: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, data, _, _ = case
    real = module._paint
    answers: list[Any] = []

    def knowing(model: Any, images: Any) -> Any:
        answers.append(model.head.construct_target(images))
        return real(model, images)

    monkeypatch.setattr(module, "_paint", knowing)
    if hasattr(model, "decoder"):
        monkeypatch.setattr(model.decoder, "forward", lambda *_: answers[-1])
        monkeypatch.setattr(model.head, "patchify", _pass_patches(model.head))
    else:
        monkeypatch.setattr(model.neck, "forward", lambda *_: answers[-1])
    found = _take(model, data)
    difference = np.abs(found["reconstructed"].astype(int) - found["original"].astype(int))
    assert difference.max() <= 1


def _pass_patches(head: Any) -> Any:
    """The convolutional decoder paints an image that is then cut; here it is cut already."""
    real = head.patchify
    return lambda images: images if images.ndim == 3 else real(images)


def test_channels_are_rgb_whatever_the_model_takes(case: Any) -> None:
    model, data, _, _ = case
    rgb, bgr = _take(model, data, to_rgb=True), _take(model, data, to_rgb=False)
    assert np.abs(rgb["original"].astype(int) - bgr["original"].astype(int)).max() <= 1
    place = 0
    turned = [np.rot90(data.images[place], k, axes=(1, 2)) for k in range(4)]
    shown = rgb["original"][place].transpose(2, 0, 1)[::-1]
    assert any(np.abs(shown.astype(int) - t.astype(int)).max() <= 1 for t in turned)


def test_nothing_changes_and_the_same_comes_again(case: Any) -> None:
    model, data, _, _ = case
    model.train()
    before = state_dict_sha256(model.state_dict())
    states = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    first = _take(model, data)
    assert state_dict_sha256(model.state_dict()) == before
    assert model.training and all(m.training for m in model.backbone.children())
    assert random.getstate() == states[0]
    assert np.random.get_state()[1].tolist() == states[1]
    assert torch.equal(torch.get_rng_state(), states[2])
    torch.rand(3), np.random.rand(3)
    second = _take(model, data)
    for name in ("masked", "reconstructed", "original"):
        assert np.array_equal(first[name], second[name])


def test_a_model_that_reconstructs_nothing_has_none(build: Any) -> None:
    model = build(VIT, reconstruct_weight=0.0)
    assert reconstructions(model, _Set(9, 24), MEAN, STD, True, "abc") is None


def test_with_nothing_hidden_the_whole_picture_is_painted(build: Any) -> None:
    found = _take(build(VIT, mask_ratio=0.0), _Set(9, 24))
    assert found["mask_ratio"] == 0
    assert np.array_equal(found["masked"], found["original"])
    assert not np.array_equal(found["reconstructed"], found["original"])


def test_a_small_set_gives_what_it_has(build: Any) -> None:
    assert len(_take(build(VIT), _Set(3, 24))["original"]) == 3
