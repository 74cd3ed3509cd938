"""The ``loading`` block of protocols, and loading by it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from mrcl_bench.backbone_weights import load_backbone  # noqa: E402
from mrcl_bench.convert._architecture import Architecture  # noqa: E402
from mrcl_bench.engine.capture import LoadRefused  # noqa: E402
from mrcl_bench.errors import BenchError  # noqa: E402
from mrcl_bench.fit import Network, misfit  # noqa: E402
from mrcl_bench.jobs.load import load_into  # noqa: E402
from mrcl_bench.loading import Loading, loading_of  # noqa: E402


def net(*names: str) -> nn.Module:
    torch.manual_seed(len(names))
    return nn.ModuleDict({name: nn.Linear(2, 2) for name in names})


def split_model() -> nn.Module:
    """A detector whose head holds a stage of the backbone, and a norm of its own."""
    model = nn.Module()
    model.backbone = net("layer1", "layer2")
    model.head = nn.Module()
    model.head.shared = net("layer3", "norm")
    return model


WEIGHTS = net("layer1", "layer2", "layer3").state_dict()
SPLIT = Loading(beside=("head.shared",), new=(r"norm\..*",))


def test_a_stage_in_the_head_is_loaded_under_its_own_name() -> None:
    model = split_model()
    norm = {k: v.clone() for k, v in model.head.shared["norm"].state_dict().items()}
    report = load_into(model, WEIGHTS, SPLIT)
    assert report.loaded == len(WEIGHTS) == 6
    assert report.missing == ["norm.weight", "norm.bias"] and report.unexpected == []
    merged = {**model.backbone.state_dict(), **model.head.shared.state_dict()}
    for key, value in WEIGHTS.items():
        assert torch.equal(merged[key], value)
    for key, value in norm.items():
        assert torch.equal(model.head.shared["norm"].state_dict()[key], value)


@pytest.mark.parametrize(
    ("loading", "weights", "said"),
    [
        (Loading(), WEIGHTS, "2 left over: layer3.weight"),
        (Loading(beside=("head.shared",)), WEIGHTS, "2 missing: norm.weight"),
        (SPLIT, {k: v for k, v in WEIGHTS.items() if "3" not in k}, "2 missing: layer3.weight"),
        (Loading(beside=("head.shared",), new=("norm",)), WEIGHTS, "nothing in the network"),
        (SPLIT.model_copy(update={"left_out": ("layer",)}), {**WEIGHTS, "x": 0}, "1 left over: x"),
    ],
)
def test_nothing_else_is_let_through(loading: Loading, weights: dict, said: str) -> None:
    model = split_model()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with pytest.raises(LoadRefused, match=said):
        load_into(model, weights, loading)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_one_key_has_one_place() -> None:
    with pytest.raises(BenchError, match=r"same keys: b\.weight"):
        load_backbone(net("a", "b"), WEIGHTS, beside={"head": net("b")})


def test_weights_left_out_are_reported() -> None:
    model = SimpleNamespace(backbone=net("layer1", "layer2"))
    report = load_into(model, WEIGHTS, Loading(left_out=(r"layer3\..*",)))
    assert report.unexpected == ["layer3.weight", "layer3.bias"] and report.loaded == 4


def test_block_is_read_strictly() -> None:
    assert loading_of({}) == Loading()
    assert loading_of({"loading": {"beside": ["a.b"]}}) == Loading(beside=("a.b",))
    with pytest.raises(BenchError, match="besides"):
        loading_of({"loading": {"besides": ["a"]}})
    with pytest.raises(BenchError, match="no regular expression"):
        loading_of({"loading": {"new": ["("]}})
    with pytest.raises(BenchError, match=r"loading\.new"):
        loading_of({"loading": {"new": [3]}})


def test_what_fits_is_judged_by_the_same_rule() -> None:
    vit = Architecture(label="vit", type="vit", num_heads=2)
    shapes = {"a": (2,), "b": (3,)}
    exact = Network(shapes)
    assert "1 missing (b)" in str(misfit(exact, {"a": (2,)}, vit))
    loose = Network(shapes, loading=Loading(new=("b",), left_out=("c",)))
    assert misfit(loose, {"a": (2,), "c": (1,)}, vit) is None
    assert "1 left over (cc)" in str(misfit(loose, {"a": (2,), "cc": (1,)}, vit))
    assert "1 unequal" in str(misfit(loose, {"a": (2,), "b": (4,)}, vit))
