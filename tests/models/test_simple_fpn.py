import subprocess
import sys

import pytest
import torch
from mmengine.registry import MODELS, Registry

from mrcl_bench.models import SimpleFPN


@pytest.mark.parametrize(
    ("scales", "num_outs", "sides"),
    [
        ((4, 2, 1, 0.5), None, [64, 32, 16, 8]),
        ((4, 2, 1, 0.5), 5, [64, 32, 16, 8, 4]),
        ((2, 1, 0.5, 0.25), 5, [32, 16, 8, 4, 2]),
    ],
)
def test_level_shapes(scales, num_outs, sides):
    neck = SimpleFPN(in_channels=32, out_channels=24, scale_factors=scales, num_outs=num_outs)
    ignored, used = torch.randn(2, 32, 4, 4), torch.randn(2, 32, 16, 16, requires_grad=True)
    outs = neck((ignored, used))
    assert [tuple(out.shape) for out in outs] == [(2, 24, side, side) for side in sides]
    torch.testing.assert_close(outs, neck(used))
    sum(out.square().sum() for out in outs).backward()
    assert used.grad.abs().sum() > 0
    assert all(parameter.grad is not None for parameter in neck.parameters())


def test_levels_are_normalised_over_channels():
    outs = SimpleFPN(in_channels=32, out_channels=24)(torch.randn(1, 32, 8, 8) * 50)
    for out in outs:
        torch.testing.assert_close(out.mean(dim=1), torch.zeros_like(out[:, 0]), atol=1e-4, rtol=0)


def test_bad_settings():
    with pytest.raises(ValueError, match="scale factor 3"):
        SimpleFPN(in_channels=32, scale_factors=(3,))
    with pytest.raises(ValueError, match="num_outs 2"):
        SimpleFPN(in_channels=32, num_outs=2)


def test_any_scope_finds_it():
    child = Registry("model", parent=MODELS, scope="some_detector", locations=[])
    neck = child.build(dict(type="SimpleFPN", in_channels=32, out_channels=8))
    assert isinstance(neck, SimpleFPN)


def test_models_need_neither_detector_nor_segmenter():
    # mmpretrain itself imports mmdet where there is one, so its absence is played.
    code = "import sys; sys.modules |= dict(mmdet=None, mmseg=None); import mrcl_bench.models"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
