"""transformers' ViTs: the renamed weights are the same function as by their own names."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm")
from torch.nn import functional  # noqa: E402

from mrcl_bench.convert import convert  # noqa: E402
from mrcl_bench.convert._architecture import read_architecture  # noqa: E402
from mrcl_bench.convert.dialects import dialects  # noqa: E402
from mrcl_bench.convert.verify import filled  # noqa: E402
from mrcl_bench.errors import BenchError  # noqa: E402

from .layouts import hugging_face, other  # noqa: E402

HEADS = 3


def forward(state: dict[str, Any], images: Any, eps: float, dinov2: bool) -> Any:
    """The model by transformers' names, written down from its documentation alone."""

    def norm(x: Any, name: str) -> Any:
        weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
        return functional.layer_norm(x, weight.shape, weight, bias, eps)

    def linear(x: Any, name: str) -> Any:
        return functional.linear(x, state[f"{name}.weight"], state[f"{name}.bias"])

    projection = state["embeddings.patch_embeddings.projection.weight"]
    bias = state["embeddings.patch_embeddings.projection.bias"]
    patches = functional.conv2d(images, projection, bias, stride=projection.shape[-1])
    x = patches.flatten(2).transpose(1, 2)
    x = torch.cat((state["embeddings.cls_token"].expand(len(x), -1, -1), x), dim=1)
    x = x + state["embeddings.position_embeddings"]
    if "embeddings.register_tokens" in state:
        registers = state["embeddings.register_tokens"].expand(len(x), -1, -1)
        x = torch.cat((x[:, :1], registers, x[:, 1:]), dim=1)
    for number in range(2):
        at = f"encoder.layer.{number}"
        y = norm(x, f"{at}.{'norm1' if dinov2 else 'layernorm_before'}")
        parts = []
        for name in ("query", "key", "value"):
            part = linear(y, f"{at}.attention.attention.{name}")
            parts.append(part.unflatten(-1, (HEADS, -1)).transpose(1, 2))
        query, key, value = parts
        scores = (query @ key.transpose(-2, -1)) / (query.shape[-1] ** 0.5)
        y = (scores.softmax(-1) @ value).transpose(1, 2).flatten(2)
        y = linear(y, f"{at}.attention.output.dense")
        x = x + (y * state[f"{at}.layer_scale1.lambda1"] if dinov2 else y)
        y = norm(x, f"{at}.{'norm2' if dinov2 else 'layernorm_after'}")
        y = functional.gelu(linear(y, f"{at}.{'mlp.fc1' if dinov2 else 'intermediate.dense'}"))
        y = linear(y, f"{at}.{'mlp.fc2' if dinov2 else 'output.dense'}")
        x = x + (y * state[f"{at}.layer_scale2.lambda1"] if dinov2 else y)
    return norm(x, "layernorm")


@pytest.mark.parametrize("registers", [0, 2])
@pytest.mark.parametrize("dinov2", [False, True])
def test_features_are_equal_by_both_names(dinov2: bool, registers: int) -> None:
    state = hugging_face(dinov2=dinov2)
    if registers:
        state["embeddings.register_tokens"] = torch.randn(1, registers, 24)
    found = convert("transformers", state)
    assert found.traits == {"norm_eps": 1e-6 if dinov2 else 1e-12}
    timm = dialects()["timm"]
    common = timm.to_common(found.backbone)
    architecture = read_architecture(common, {**found.traits, "num_heads": HEADS})
    assert architecture.register_tokens == registers
    module = filled(timm, "timm", found.backbone, architecture)
    images = torch.randn(2, 3, 12, 12, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        features = timm.features(module, images)
        expected = forward(state, images, found.traits["norm_eps"], dinov2)
    assert torch.allclose(features["cls"], expected[:, 0], rtol=1e-4, atol=1e-5)
    assert torch.allclose(features["tokens"], expected[:, 1 + registers :], rtol=1e-4, atol=1e-5)


def test_normalisation_by_kind() -> None:
    vit = convert("transformers", hugging_face("vit."))
    assert vit.normalisation is not None and vit.normalisation["mean"] == (127.5,) * 3
    assert "DINO" in vit.notes[0]
    mae = convert("transformers", hugging_face("vit.") | other("decoder.mask_token"))
    for found in (mae, convert("transformers", hugging_face(dinov2=True))):
        assert found.normalisation is not None
        assert found.normalisation["mean"][0] == pytest.approx(123.675)
        assert not found.notes


def test_swiglu_is_refused_by_name() -> None:
    state = hugging_face(dinov2=True) | other("encoder.layer.0.mlp.weights_in.weight")
    with pytest.raises(BenchError, match="SwiGLU"):
        convert("transformers", state)


@pytest.mark.parametrize("part", ["query", "key", "value"])
def test_a_missing_third_is_noticed(part: str) -> None:
    state = hugging_face()
    del state[f"encoder.layer.1.attention.attention.{part}.weight"]
    with pytest.raises(BenchError, match=f"lacks its {part}"):
        convert("transformers", state)
    with pytest.raises(BenchError, match="layer.1.strange"):
        convert("transformers", hugging_face() | other("encoder.layer.1.strange.weight"))
