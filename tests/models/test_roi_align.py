"""RoIAlign by compiled kernels, against mmcv's."""

from copy import deepcopy

import pytest
import torch
from mmcv.ops import RoIAlign

from mrcl_bench.models.roi_align import QuickRoIAlign, quicken_roi_align


def _rois(number: int, side: float, images: int) -> torch.Tensor:
    """Boxes of which some reach over the edge, some lie outside, some are empty."""
    corner = torch.rand(number, 2) * side * 1.6 - 0.3 * side
    size = torch.rand(number, 2) * side * 0.6
    size[::7] = 0
    image = torch.randint(0, images, (number, 1)).float()
    return torch.cat([image, corner, corner + size], dim=1)


def _both(**settings) -> tuple[RoIAlign, RoIAlign]:
    stock = RoIAlign(**settings)
    ours = deepcopy(torch.nn.ModuleList([stock]))
    quicken_roi_align(ours)
    assert type(ours[0]) is QuickRoIAlign
    return stock, ours[0]


@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize("ratio", [0, 1, 2, 3])
@pytest.mark.parametrize("size", [7, (3, 5)])
def test_results_and_gradients_are_the_same_bits(size, ratio: int, aligned: bool) -> None:
    torch.manual_seed(0)
    settings = dict(output_size=size, sampling_ratio=ratio, aligned=aligned)
    rois = _rois(60, 96, images=3)
    found = []
    for align in _both(spatial_scale=0.25, **settings):
        torch.manual_seed(1)
        features = torch.randn(3, 5, 17, 24, requires_grad=True)
        out = align(features, rois)
        given = torch.randn(out.shape[0], out.shape[1], out.shape[3], out.shape[2])
        (gradient,) = torch.autograd.grad(out, features, given.permute(0, 1, 3, 2))
        assert out.is_contiguous()
        found.append((out, gradient))
    for one, other in zip(*found, strict=True):
        assert torch.equal(one, other)
        assert one.abs().sum() > 0


@pytest.mark.parametrize("settings", [{}, {"pool_mode": "max"}])
def test_channels_may_come_last(settings: dict) -> None:
    torch.manual_seed(0)
    features, rois = torch.randn(2, 4, 9, 8), _rois(5, 9, 2)
    last = features.to(memory_format=torch.channels_last)
    stock, ours = _both(output_size=2, **settings)
    assert torch.equal(ours(last, rois), stock(features, rois))
    assert not torch.equal(stock(last, rois), stock(features, rois))  # else no need of ours


def test_no_roi_is_no_result() -> None:
    features = torch.randn(2, 4, 8, 8, requires_grad=True)
    _, ours = _both(output_size=7)
    out = ours(features, torch.zeros(0, 5))
    out.sum().backward()
    assert out.shape == (0, 4, 7, 7)
    assert torch.equal(features.grad, torch.zeros_like(features))


def test_a_roi_of_no_numbers_reads_nothing() -> None:
    """A diverged detector is to be stopped for its loss, not by a crash."""
    _, ours = _both(output_size=2, sampling_ratio=2)
    features = torch.randn(1, 3, 4, 4, requires_grad=True)
    rois = torch.tensor([[0.0, 1, 1, 3, 3], [0, *[float("nan")] * 4], [0, 0, 0, float("inf"), 1]])
    out = ours(features, rois)
    out.sum().backward()
    assert out[0].abs().sum() > 0
    assert not out[1].any()
    assert features.grad.isfinite().all()


@pytest.mark.parametrize(
    ("settings", "kind"),
    [({"pool_mode": "max"}, torch.float32), ({"use_torchvision": True}, torch.float32)]
    + [({}, torch.float64)],
)
def test_what_the_kernels_do_not_know_is_left_to_mmcv(settings, kind, monkeypatch) -> None:
    monkeypatch.setattr("mrcl_bench.models.roi_align._Pool.apply", None)  # would fail
    torch.manual_seed(0)
    features, rois = torch.randn(2, 4, 9, 9, dtype=kind), _rois(5, 9, 2).to(kind)
    stock, ours = _both(output_size=2, **settings)
    assert torch.equal(ours(features, rois), stock(features, rois))


def test_a_roi_turned_inside_out_is_mmcvs_error() -> None:
    _, ours = _both(output_size=2)
    with pytest.raises(RuntimeError, match="non-negative size"):
        ours(torch.randn(1, 1, 4, 4), torch.tensor([[0.0, 3.0, 3.0, 1.0, 1.0]]))
