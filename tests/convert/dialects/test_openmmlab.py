"""Converted weights in OpenMMLab's installed configs, loaded by OpenMMLab's own code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("mmdet")
pytest.importorskip("mmseg")

from mrcl_bench.checkpoint import save_weights  # noqa: E402
from mrcl_bench.convert._architecture import read_architecture  # noqa: E402
from mrcl_bench.convert.dialects import dialects  # noqa: E402
from mrcl_bench.convert.dialects._hollow import hollow  # noqa: E402
from mrcl_bench.convert.positions import resize_positions  # noqa: E402

from .. import networks  # noqa: E402


def installed(package: str, config: str) -> Any:
    """The backbone's part of a config that the package brings along."""
    from mmengine.config import Config

    root = Path(__import__(package).__file__).parent / ".mim" / "configs"
    return Config.fromfile(root / config).model.backbone


def build(scope: str, backbone: Any) -> Any:
    import importlib

    from mmengine.registry import init_default_scope

    init_default_scope(scope)
    importlib.import_module(f"{scope}.models")
    return importlib.import_module(f"{scope}.registry").MODELS.build(backbone)


def converted(name: str, target: str) -> tuple[dict[str, Any], Any]:
    """A network as timm publishes it, with random weights, in the target's names."""
    timm = pytest.importorskip("timm")
    with hollow():
        published = timm.create_model(name, num_classes=0).state_dict()
    common = dialects()["timm"].to_common(published)
    network = read_architecture(common)
    weights = networks.weights(network)
    return dialects()[target].from_common(weights, network), network


def loaded_by_init_cfg(scope: str, backbone: Any, path: Path, caplog: Any, capsys: Any) -> Any:
    """Loads as a config with ``init_cfg=dict(type='Pretrained')`` does; it must not complain."""
    from mmengine.logging import MMLogger

    logger = MMLogger.get_current_instance()
    logger.propagate = True
    capsys.readouterr()
    caplog.clear()
    model = build(scope, {**backbone, "init_cfg": {"type": "Pretrained", "checkpoint": str(path)}})
    model.init_weights()
    said = caplog.text + "".join(capsys.readouterr())
    for complaint in ("unexpected key", "missing keys", "size mismatch", "do not match"):
        assert complaint not in said, said
    return model


def equal(model: Any, weights: dict[str, Any]) -> bool:
    state = model.state_dict()
    return state.keys() == weights.keys() and all(
        torch.equal(state[key], weights[key]) for key in weights
    )


def test_a_resnet_50_in_mmdets_mask_rcnn(tmp_path: Path, caplog: Any, capsys: Any) -> None:
    from mmengine.runner import load_checkpoint

    weights, network = converted("resnet50", "mmdet")
    path = tmp_path / "resnet50.pth"
    save_weights(path, weights, {})
    config = installed("mmdet", "mask_rcnn/mask-rcnn_r50_fpn_1x_coco.py")
    model = loaded_by_init_cfg("mmdet", config, path, caplog, capsys)
    assert equal(model, weights)
    load_checkpoint(build("mmdet", {**config, "init_cfg": None}), str(path), strict=True)
    ours = dialects()["mmdet"].backbone_config(network)
    assert ours is not None
    assert equal(loaded_by_init_cfg("mmdet", ours, path, caplog, capsys), weights)


def test_a_vit_b_in_mmsegs_upernet(tmp_path: Path, caplog: Any, capsys: Any) -> None:
    from mmengine.runner import load_checkpoint

    weights, _ = converted("vit_base_patch16_224", "mmseg_stock")
    path = tmp_path / "vit.pth"
    save_weights(path, weights, {})
    config = installed("mmseg", "vit/vit_vit-b16-ln_mln_upernet_8xb2-160k_ade20k-512x512.py")
    model = loaded_by_init_cfg("mmseg", config, path, caplog, capsys)
    at_512 = resize_positions(weights["pos_embed"], (32, 32), prefix=1)
    assert equal(model, {**weights, "pos_embed": at_512})
    save_weights(path, {**weights, "pos_embed": at_512}, {})
    load_checkpoint(model, str(path), strict=True)


# what differs from the usual, small ViT
SMALL = {
    "plain": {},
    "no class token": {"cls_token": False, "prefix_positions": 0},
    "no qkv bias": {"qkv_bias": False},
    "pooled": {"final_norm": "pooled"},
    "clip": {"pre_norm": True, "patch_bias": False, "activation": "quick_gelu"},
    "layer scale": {"layer_scale": True},
}


@pytest.mark.parametrize("target", ["mmpretrain", "mmdet", "mmseg", "mmseg_stock"])
@pytest.mark.parametrize("case", SMALL)
def test_the_backbone_config_takes_the_weights(
    case: str, target: str, tmp_path: Path, caplog: Any, capsys: Any
) -> None:
    """What the manifest offers for pasting builds and loads in the library's own scope."""
    import mmpretrain.models  # noqa: F401  what custom_imports does

    network = networks.architecture(networks.VIT, **SMALL[case])
    config = dialects()[target].backbone_config(network)
    if config is None:
        assert (case, target[:5]) == ("layer scale", "mmseg")
        return
    weights = dialects()[target].from_common(networks.weights(network), network)
    path = tmp_path / "vit.pth"
    save_weights(path, weights, {})
    scope = target.removesuffix("_stock")
    model = loaded_by_init_cfg(scope, config, path, caplog, capsys)
    assert equal(model, weights)
    with torch.no_grad():
        model.eval()
        assert model(torch.randn(1, 3, 12, 12))


@pytest.mark.parametrize("target", ["mmpretrain", "mmdet", "mmseg"])
def test_a_wide_resnet_s_backbone_config(
    target: str, tmp_path: Path, caplog: Any, capsys: Any
) -> None:
    import mmpretrain.models  # noqa: F401

    weights, network = converted("wide_resnet50_2", target)
    path = tmp_path / "wide.pth"
    save_weights(path, weights, {})
    config = dialects()[target].backbone_config(network)
    assert config is not None
    assert equal(loaded_by_init_cfg(target, config, path, caplog, capsys), weights)
