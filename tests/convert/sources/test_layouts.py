"""Every publisher's layout: recognised by one source, every key placed or named."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from mrcl_bench.convert import _modules as modules  # noqa: E402
from mrcl_bench.convert import convert, descriptions, detect, sources  # noqa: E402
from mrcl_bench.convert._architecture import read_architecture  # noqa: E402
from mrcl_bench.convert.dialects import dialects  # noqa: E402
from mrcl_bench.convert.dialects._expected import check  # noqa: E402
from mrcl_bench.errors import BenchError  # noqa: E402

from .layouts import CASES, Case, linear, other, resnet, same, vit  # noqa: E402

by_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


def test_every_source_has_a_layout_here() -> None:
    assert {case.source for case in CASES.values()} == sources().keys()


@by_case
def test_exactly_one_source_recognises_it(case: Case) -> None:
    state = case.state()
    assert [name for name, module in modules().items() if module.recognises(state)] == [case.source]
    assert detect(state) == case.source


@by_case
def test_every_key_is_placed_once_or_dropped_under_a_kind(case: Case) -> None:
    state = case.state()
    result = convert(case.source, state)
    assert set(result.dropped) == set(case.kinds)
    dropped = [key for keys in result.dropped.values() for key in keys]
    assert len(dropped) == len(set(dropped))
    used = state.keys() - set(dropped)
    if case.online is not None:
        assert used == {case.online + name for name in result.backbone}
        assert all(same(result.backbone[k], state[case.online + k]) for k in result.backbone)
    # it is a whole network of its dialect, no key more or less
    common = dialects()[result.dialect].to_common(result.backbone)
    architecture = read_architecture(common, result.traits)
    check(common, architecture)
    assert architecture.label == case.label


@by_case
def test_a_key_of_no_known_kind_is_refused_by_name(case: Case) -> None:
    state = case.state() | other("rotation_probe.weight")
    with pytest.raises(BenchError, match="rotation_probe") as caught:
        convert(case.source, state)
    assert caught.value.cure


@by_case
def test_the_moving_average(case: Case) -> None:
    state = case.state()
    if case.momentum is None:
        if not any(key.startswith("teacher.") for key in state):
            with pytest.raises(BenchError):
                convert(case.source, state, "momentum")
        return
    result = convert(case.source, state, "momentum")
    online = convert(case.source, state)
    assert result.backbone.keys() == online.backbone.keys()
    assert "online" in result.dropped
    values = [value for key, value in state.items() if key.startswith(case.momentum)]
    assert all(any(value is one for one in values) for value in result.backbone.values())
    count = len(result.backbone) + sum(len(keys) for keys in result.dropped.values())
    assert count == len(state)


@pytest.mark.parametrize("source", sorted(sources()))
def test_an_empty_backbone_is_an_error(source: str) -> None:
    with pytest.raises(BenchError):
        convert(source, other("rotation_probe.weight"))


def test_descriptions_are_one_line() -> None:
    assert descriptions().keys() == sources().keys()
    assert all(text and "\n" not in text and len(text) < 100 for text in descriptions().values())


def test_nothing_recognised_names_prefixes_and_formats() -> None:
    with pytest.raises(BenchError, match=r"rotation\. \(2\)") as caught:
        detect(linear("rotation"))
    assert "torchvision" in caught.value.cure


def test_two_recognised_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from mrcl_bench import convert as package

    twice = {"first": modules()["timm"], "second": modules()["timm"]}
    monkeypatch.setattr(package, "_modules", lambda: twice)
    with pytest.raises(BenchError, match="first, second") as caught:
        detect(vit())
    assert "--from first or --from second" in caught.value.cure


@pytest.mark.parametrize(
    ("key", "network"),
    [
        ("layers.0.blocks.0.attn.relative_position_bias_table", "Swin"),
        ("stages.0.blocks.0.attn.w_msa.qkv.weight", "Swin"),
        ("stages.0.blocks.0.conv_dw.weight", "ConvNeXt"),
        ("blocks.0.attn.relative_position_bias_table", "BEiT"),
        ("visual.transformer.resblocks.0.ln_1.weight", "CLIP"),
        ("features.0.weight", "neither a ViT nor a ResNet"),
    ],
)
def test_other_networks_are_refused_by_name(key: str, network: str) -> None:
    with pytest.raises(BenchError, match=network):
        detect(other(key))


def test_a_conv_stem_and_swiglu_are_refused_by_name() -> None:
    stem = {f"module.base_encoder.{k}": v for k, v in vit().items()}
    stem["module.base_encoder.patch_embed.proj.0.weight"] = stem.pop(
        "module.base_encoder.patch_embed.proj.weight"
    )
    with pytest.raises(BenchError, match="convolutional stem"):
        convert("mocov3", stem)
    gated = {k.replace("mlp.fc1", "mlp.w12"): v for k, v in vit(layer_scale=True).items()}
    with pytest.raises(BenchError, match="SwiGLU"):
        convert("dinov2", gated | other("mask_token"))


def test_widened_and_small_image_resnets_are_refused_by_name() -> None:
    wide = resnet("module.") | linear("module.projection_head.0")
    wide["module.conv1.weight"] = torch.empty(128, 3, 7, 7, device="meta")
    with pytest.raises(BenchError, match="128 channels.*widened"):
        convert("swav", wide)
    small = resnet("backbone.") | linear("classifier")
    small["backbone.conv1.weight"] = torch.empty(64, 3, 3, 3, device="meta")
    with pytest.raises(BenchError, match="3x3, for small images"):
        convert("solo_learn", small)


def test_heads_of_moco_v3s_small_vit() -> None:
    state = {k: torch.empty(1, 1, 384) if k.endswith("cls_token") else v for k, v in vit().items()}
    found = convert("mocov3", {f"module.base_encoder.{k}": v for k, v in state.items()})
    assert found.traits["num_heads"] == 12


def test_heads_of_solo_learns_small_vits() -> None:
    def heads(*keys: str) -> object:
        state = {k: torch.empty(1, 1, 384) if k == "cls_token" else v for k, v in vit().items()}
        state = {f"backbone.{k}": v for k, v in state.items()}
        return convert("solo_learn", {**state, **other(*keys)}).traits.get("num_heads")

    assert heads("decoder.decoder_embed.weight") == 12
    momentum = ("projector.0.weight", "momentum_projector.0.weight")
    assert heads(*momentum) == 12
    assert heads(*momentum, "projector.0.bias") is None
    assert heads("projector.0.weight") is None


def test_the_plain_backbone_can_be_called_dinos() -> None:
    assert convert("dino", vit()).backbone.keys() == vit().keys()


def test_timms_classifiers_leave_their_normalisation_open() -> None:
    assert convert("timm", vit() | linear("head")).normalisation is None
    alone = convert("timm", vit())
    assert alone.normalisation is not None and alone.normalisation["channel_order"] == "rgb"
    assert alone.notes


def test_averages_beside_the_weights() -> None:
    plain, average = vit(), vit()
    state = {**plain, **{f"@average.module.{k}": v for k, v in average.items()}}
    state |= other("@average.steps")
    assert detect(state) == "timm"
    online = convert("timm", state)
    assert all(online.backbone[key] is plain[key] for key in plain)
    assert len(online.dropped["momentum"]) == len(average) + 1
    taken = convert("timm", state, "momentum")
    assert all(taken.backbone[key] is average[key] for key in average)
    assert taken.dropped["counter"] == ["@average.steps"]
    assert len(taken.dropped["online"]) == len(plain)


def test_the_documents_table_is_the_sources() -> None:
    text = (Path(__file__).parents[3] / "docs/weights.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| `") and "--from" not in line]
    assert rows == [f"| `{name}` | {said} |" for name, said in descriptions().items()]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("beit_base_patch16_224", "BEiT"),
        ("convnext_tiny", "ConvNeXt"),
        ("swin_tiny_patch4_window7_224", "Swin"),
        ("vit_small_r26_s32_224", "convolutional stem"),
        ("vit_giant_patch14_dinov2", "SwiGLU"),
        ("vit_small_patch16_dinov3", "rotary"),
    ],
)
def test_timms_other_networks_are_refused_by_name(name: str, reason: str) -> None:
    timm = pytest.importorskip("timm")
    with torch.device("meta"):
        state = timm.create_model(name, depth=1) if "giant" in name else timm.create_model(name)
    state = state.state_dict()
    with pytest.raises(BenchError, match=reason):
        convert(detect(state), state)


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("vit_tiny_patch16_224", "timm"),
        ("deit3_small_patch16_224", "timm"),
        ("vit_medium_patch16_reg4_gap_256", "timm"),
        ("vit_small_patch14_reg4_dinov2", "timm"),
        ("vit_base_patch16_clip_224", "timm"),
        ("resnet50d", "timm"),
        ("resnet50", "torchvision"),
        ("wide_resnet50_2", "torchvision"),
    ],
)
def test_timms_own_networks(name: str, source: str) -> None:
    timm = pytest.importorskip("timm")
    with torch.device("meta"):
        state = timm.create_model(name).state_dict()
    assert detect(state) == source
    found = convert(source, state)
    common = dialects()[found.dialect].to_common(found.backbone)
    check(common, read_architecture(common, found.traits))


def test_what_only_timms_models_tell() -> None:
    timm = pytest.importorskip("timm")

    def state(name: str) -> dict[str, torch.Tensor]:
        with torch.device("meta"):
            found: dict[str, torch.Tensor] = timm.create_model(name).state_dict()
        return found

    clip = convert("timm", state("vit_base_patch16_clip_224"))
    assert clip.traits == {"norm_eps": 1e-5}
    assert "QuickGELU" in clip.notes[0]
    assert clip.normalisation is not None
    for field, constant in {"mean": "OPENAI_CLIP_MEAN", "std": "OPENAI_CLIP_STD"}.items():
        expected = [value * 255 for value in getattr(timm.data.constants, constant)]
        assert clip.normalisation[field] == pytest.approx(expected, abs=1e-5)
    assert convert("timm", state("vit_so400m_patch14_siglip_gap_224")).traits == {"num_heads": 16}
    # same names as a plain ViT's, another function
    for name, reason in {
        "vit_base_patch16_rpn_224": "rpn",
        "vit_pe_spatial_tiny_patch16_512": "Perception Encoder",
    }.items():
        with pytest.raises(BenchError, match=reason):
            convert("timm", state(name))
