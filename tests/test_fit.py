"""Which protocols a backbone fits."""

from __future__ import annotations

from pathlib import Path

import pytest

from mrcl_bench.catalog import Catalog
from mrcl_bench.convert._architecture import Architecture
from mrcl_bench.fit import Network, misfit

VIT = Architecture(label="vit-8x1-p4", type="vit", num_heads=2)
SHAPES = {"pos_embed": (1, 17, 8), "a": (8, 8), "b": (8,)}
CONFIGS = Path(__file__).parent


def test_the_same_network_fits_at_any_size_of_image() -> None:
    network = Network({**SHAPES, "pos_embed": (1, 50, 8)}, 2)
    assert misfit(network, SHAPES, VIT) is None


@pytest.mark.parametrize(
    ("shapes", "heads", "said"),
    [
        ({**SHAPES, "c": (1,)}, 2, "1 missing (c)"),
        ({"a": (8, 8)}, 2, "2 left over (pos_embed …)"),
        ({**SHAPES, "b": (9,)}, 2, "1 unequal (b is (8,), not (9,))"),
        ({**SHAPES, "pos_embed": (1, 17, 9)}, 2, "1 unequal"),
        (SHAPES, 4, "4 heads instead of 2"),
    ],
)
def test_what_differs_is_said(shapes: dict[str, tuple[int, ...]], heads: int, said: str) -> None:
    reason = misfit(Network(shapes, heads), SHAPES, VIT)
    assert reason is not None
    assert said in reason


def test_a_caffe_resnet_is_another_network() -> None:
    resnet = Architecture(label="resnet-50", type="resnet", style="caffe")
    shapes = {"conv1.weight": (64, 3, 7, 7)}
    assert "style" in str(misfit(Network(shapes, None, "pytorch"), shapes, resnet))
    assert misfit(Network(shapes, None, "caffe"), shapes, resnet) is None


def test_another_activation_is_another_network() -> None:
    quick = VIT.model_copy(update={"activation": "quick_gelu"})
    assert "activation" in str(misfit(Network(SHAPES, 2, activation="gelu"), SHAPES, quick))
    assert misfit(Network(SHAPES, 2, activation="gelu"), SHAPES, VIT) is None


def test_backbones_of_all_three_libraries_are_built() -> None:
    pytest.importorskip("mmdet")
    pytest.importorskip("mmseg")
    from mrcl_bench.fit import networks

    for folder, heads in (("mm_configs", 4), ("mm_configs_resnet", None)):
        protocols = Catalog(CONFIGS / folder).protocols
        found = networks(protocols.values())
        assert found.keys() == protocols.keys()
        assert {network.heads for network in found.values()} == {heads}
        activations = {network.activation for network in found.values()}
        assert activations == {"gelu" if heads else None}
        assert len({frozenset(network.shapes) for network in found.values()}) == 1
        assert not any("num_batches_tracked" in key for n in found.values() for key in n.shapes)
