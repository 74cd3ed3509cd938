"""Colours on the device: what the CPU makes view by view, and the same draws."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")
pytest.importorskip("simplejpeg")
pytest.importorskip("mmpretrain")

import torch  # noqa: E402
from mmengine.dataset import default_collate  # noqa: E402
from mmengine.registry import init_default_scope  # noqa: E402
from mmpretrain.datasets.transforms import PackInputs  # noqa: E402
from mmpretrain.registry import MODELS  # noqa: E402

from mrcl_bench.augment import deferred, device, draws, kernels  # noqa: E402
from mrcl_bench.augment.draws import Colours  # noqa: E402
from mrcl_bench.augment.views import GREY, FusedMultiView  # noqa: E402
from mrcl_bench.resolve import load_config  # noqa: E402

from .test_views import BASES, multi_view  # noqa: E402
from .test_views import picture as picture  # noqa: E402

SIDE = 32


@pytest.fixture
def pixels() -> Any:
    """Noise in whole numbers, greys and pure colours among it, (3, SIDE, SIDE) float32, BGR."""
    rng = np.random.default_rng(1)
    found = rng.integers(0, 256, (3, SIDE, SIDE)).astype(np.float32)
    found[:, :4] = found[:1, :4]
    found[1:, 4:6] = 0
    return found


def expected(pixels: Any, step: int, amount: float) -> Any:
    planes = pixels.copy().reshape(3, -1)
    factor = np.float32(amount)
    if step == draws.BRIGHTNESS:
        kernels.scale(planes, factor)
    elif step == draws.CONTRAST:
        kernels.contrast(planes, factor, GREY)
    elif step == draws.SATURATION:
        kernels.saturate(planes, factor, GREY)
    else:
        kernels.turn(planes[2], planes[1], planes[0], factor)
    return planes.reshape(pixels.shape)


@pytest.mark.parametrize("step", device._STEPS)
@pytest.mark.parametrize("amount", [-0.2, 0.0, 0.13, 0.7, 1.6])
def test_each_step_is_the_kernel_s(step: int, amount: float, pixels: Any) -> None:
    if step != draws.HUE:
        amount = abs(amount)
    factor = torch.full((1, 1, 1, 1), amount)
    found = device._STEPS[step](torch.from_numpy(pixels)[None], factor)[0]
    np.testing.assert_allclose(found.numpy(), expected(pixels, step, amount), atol=2e-3)


def test_each_view_of_a_batch_is_blurred_by_its_own_sigma(pixels: Any) -> None:
    sigmas = [0.1, 0.7, 2.0]
    found = device.blur(torch.from_numpy(np.stack([pixels] * 3)), torch.tensor(sigmas))
    for one, sigma in zip(found.numpy(), sigmas, strict=True):
        planes = pixels.copy()
        kernels.blur(planes, sigma)
        np.testing.assert_allclose(one, planes, atol=2e-3)
    assert not np.allclose(found[1], found[2], atol=1)


def test_solarising_and_rounding_are_the_kernel_s() -> None:
    values = torch.arange(256, dtype=torch.uint8).repeat(3, 1).reshape(1, 3, 16, 16)
    for threshold in (128, 256, 0):
        drawn = torch.from_numpy(Colours(threshold=threshold).packed())[None]
        found = device.colour(values, drawn)
        wanted = np.empty((3, 256), np.uint8)
        kernels.to_bytes(values.float().numpy().reshape(3, -1), threshold, wanted)
        np.testing.assert_array_equal(found.numpy().reshape(3, -1), wanted)


@pytest.mark.parametrize("path", BASES, ids=lambda path: path.stem)
def test_whole_views_are_those_of_the_cpu(path: Path, picture: Any) -> None:
    """The same draws and crops, and colours at most a level of 255 apart."""
    found = multi_view(path)
    arguments = {"num_views": found.num_views, "transforms": found.transforms}
    whole, leaving = FusedMultiView(**arguments), FusedMultiView(**arguments, defer_colours=True)
    count, changed = 12, 0
    for make in (whole, leaving):
        np.random.seed(5)
        rows = [make.transform({"img": picture}) for _ in range(count)]
        if make is whole:
            wanted = [row["img"] for row in rows]
    for view in range(len(whole.views)):
        plain = np.stack([row["img"][view] for row in rows]).transpose(0, 3, 1, 2)
        drawn = np.stack([np.split(row["img"][-1], len(whole.views))[view] for row in rows])
        done = device.colour(torch.from_numpy(plain), torch.from_numpy(drawn)).numpy()
        target = np.stack([row[view] for row in wanted]).transpose(0, 3, 1, 2)
        assert np.abs(done.astype(int) - target).max() <= 1
        changed += int((np.abs(plain.astype(int) - target).max((1, 2, 3)) > 1).sum())
    assert changed > count  # most views have colours to be done


def test_a_model_gets_the_views_coloured(picture: Any) -> None:
    """Through packing, collating and the data preprocessor, under autocast, too."""
    config = multi_view(BASES[0])
    arguments = {"num_views": config.num_views, "transforms": config.transforms}
    init_default_scope("mmpretrain")
    batches = []
    for leaves in (False, True):
        make = FusedMultiView(**arguments, defer_colours=leaves)
        np.random.seed(2)
        batch = [PackInputs()(make.transform({"img": picture})) for _ in range(3)]
        model = torch.nn.Module()
        model.data_preprocessor = MODELS.build(
            {"type": "SelfSupDataPreprocessor", "mean": [0] * 3, "std": [1] * 3, "to_rgb": True}
        )
        if leaves:
            deferred.take_on(model)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            batches.append(model.data_preprocessor(default_collate(batch), training=True))
    plain, done = (batch["inputs"] for batch in batches)
    assert len(plain) == len(done) == 2
    for one, other in zip(plain, done, strict=True):
        assert other.dtype == torch.float32 and float((one - other).abs().max()) <= 1


def test_a_view_is_the_same_alone_and_in_a_batch() -> None:
    np.random.seed(4)
    everything = draws.View(jitter=0.8, brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1)
    everything = replace(everything, grey=0.3, blur=0.6, solarise=0.4)
    drawn = torch.from_numpy(np.stack([draws.colours(everything).packed() for _ in range(12)]))
    generator = torch.Generator().manual_seed(0)
    views = torch.randint(256, (12, 3, SIDE, SIDE), generator=generator, dtype=torch.uint8)
    together = device.colour(views, drawn)
    for one, row, wanted in zip(views, drawn, together, strict=True):
        alone = device.colour(one[None], row[None])[0]
        assert int((alone.int() - wanted.int()).abs().max()) <= 1  # sums may round otherwise
    assert not torch.equal(together, views)


def test_what_does_not_belong_together_is_refused() -> None:
    with pytest.raises(ValueError, match="2 views"):
        device.colour(torch.zeros(2, 3, 8, 8, dtype=torch.uint8), torch.zeros(1, Colours.LENGTH))


@pytest.mark.parametrize("recipe", ["mrcl/mrcl", "moco/mocov3", "simclr/simclr"])
def test_a_pretraining_has_the_losses_of_the_cpu_s_views(
    recipe: str, tmp_path: Path, picture: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps by mmengine's Runner, from files, with the switch and without."""
    import cv2

    from mrcl_bench.catalog import config_root
    from mrcl_bench.engine.runtime import build_runner
    from mrcl_bench.engine.switches import switch_config

    for number in range(4):
        (tmp_path / "data").mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / f"data/{number}.png"), np.roll(picture, 40 * number, axis=1))
    losses, coloured = [], []

    def colour(*arguments: Any) -> Any:
        coloured.append(len(arguments[0]))
        return device.colour(*arguments)

    monkeypatch.setattr(deferred, "colour", colour)
    for asked in ((), ("device-views",)):
        path = config_root() / f"pretrain/{recipe}_vit-128x4_1xb64-250iters_stamps48.py"
        config = load_config(path)
        views = multi_view(BASES[0])
        for steps in views.transforms:
            steps[0].scale = 48
        dataset = config.train_dataloader.dataset
        dataset.data_root = str(tmp_path / "data")
        dataset.pipeline = [views, {"type": "PackInputs"}]
        config.train_dataloader.batch_size = 4
        config.train_cfg.max_iters = 2
        config.default_hooks.checkpoint = None
        switches = switch_config(config, asked)
        assert switches == asked
        runner = build_runner(config, tmp_path / "-".join(("run", *asked)), 0, "none", "", switches)
        runner.train()
        losses.append(runner.message_hub.get_scalar("train/loss").data[0])
    np.testing.assert_allclose(losses[0], losses[1], rtol=0.01)
    assert coloured == [4] * 4  # two views in two steps
