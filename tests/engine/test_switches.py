"""Switches: what they change, what they leave, and that records say so."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

pytest.importorskip("mmpretrain")

import torch  # noqa: E402
from mmengine.config import ConfigDict  # noqa: E402
from mmengine.optim import build_optim_wrapper  # noqa: E402
from mmpretrain.models import ResNet, VisionTransformer  # noqa: E402

from mrcl_bench.catalog import Catalog  # noqa: E402
from mrcl_bench.convert.manifest import read_manifest  # noqa: E402
from mrcl_bench.engine.request import Request  # noqa: E402
from mrcl_bench.engine.switches import switch_config, switch_model  # noqa: E402
from mrcl_bench.errors import EXIT_USAGE, BenchError  # noqa: E402
from mrcl_bench.pretrain import run_pretraining  # noqa: E402
from mrcl_bench.switches import SWITCHES, check_switches, remark  # noqa: E402
from mrcl_bench.workspace import Workspace  # noqa: E402


def _config(kind: str = "OptimWrapper", optimizer: str = "AdamW", **more: Any) -> Any:
    wrapper = {"type": kind, "optimizer": {"type": optimizer, "lr": 0.1}, **more}
    return ConfigDict(optim_wrapper=wrapper)


def test_names_are_checked_and_sorted() -> None:
    assert check_switches(["fused", "bf16", "fused"]) == ("bf16", "fused")
    assert check_switches(None) == ()
    with pytest.raises(BenchError, match="Did you mean channels-last") as caught:
        check_switches(["chanels-last"])
    assert caught.value.exit_code == EXIT_USAGE
    assert remark("trained", []) == [] and remark("trained", ["bf16"]) == ["trained with bf16"]


def test_the_option_takes_no_other_word(cli: Callable[..., Any]) -> None:
    done: subprocess.CompletedProcess[str] = cli("run", "--switch", "bf61")
    assert done.returncode == EXIT_USAGE and "Did you mean bf16" in done.stderr


def test_configs_change_where_something_can_be_done(capsys: pytest.CaptureFixture[str]) -> None:
    mixed = _config("AmpOptimWrapper", loss_scale="dynamic", clip_grad={"max_norm": 3.0})
    views = {"type": "FusedMultiView", "num_views": 2}
    inner = {"type": "CustomDataset", "pipeline": [views, {"type": "PackInputs"}]}
    mixed.train_dataloader = {"dataset": {"type": "RepeatDataset", "dataset": inner}}
    assert switch_config(mixed, sorted(SWITCHES)) == tuple(sorted(SWITCHES))
    assert mixed.optim_wrapper == {
        "type": "mmengine.Bf16OptimWrapper",
        "optimizer": {"type": "AdamW", "lr": 0.1, "fused": True},
        "clip_grad": {"max_norm": 3.0},
    }
    first, second = mixed.train_dataloader.dataset.dataset.pipeline
    assert first == {**views, "defer_colours": True} and second == {"type": "PackInputs"}
    stock = _config()
    for kind in ("MultiView", "FusedView"):  # MAE's one view has no colours
        stock.train_dataloader = {"dataset": {"pipeline": [{"type": kind}]}}
        before = deepcopy(stock)
        assert switch_config(stock, ["device-views"]) == () and stock == before
        assert "device-views: no views" in capsys.readouterr().err
    lars = _config(optimizer="LARS")
    before = deepcopy(lars)
    assert switch_config(lars, ["fused"]) == () and lars == before
    assert "LARS has no such form" in capsys.readouterr().err
    detector = _config()
    detector.default_scope = "mmdet"
    assert switch_config(detector, ["bf16", "fused"]) == ("fused",)
    assert detector.optim_wrapper.type == "OptimWrapper"
    assert "bf16: mmcv's operators" in capsys.readouterr().err
    other = _config("SomeoneElsesWrapper")
    assert switch_config(other, ["bf16", "fused"]) == ("fused",)
    assert "bf16: SomeoneElsesWrapper" in capsys.readouterr().err


def test_bf16_computes_in_bfloat16_and_keeps_weights_in_float32() -> None:
    net = torch.nn.Linear(4, 3)
    config = _config()
    switch_config(config, ["bf16"])
    wrapper = build_optim_wrapper(net, config.optim_wrapper)
    before = net.weight.clone()
    with wrapper.optim_context(net):
        out = net(torch.randn(2, 4))
        assert out.dtype == torch.bfloat16
        wrapper.update_params(out.float().square().mean())
    assert net.weight.dtype == torch.float32 and not torch.equal(net.weight, before)


def test_fused_takes_the_same_steps() -> None:
    torch.manual_seed(0)
    plain, fused = (torch.nn.Linear(6, 5) for _ in range(2))
    fused.load_state_dict(plain.state_dict())
    for net, switches in ((plain, []), (fused, ["fused"])):
        config = _config()
        switch_config(config, switches)
        wrapper = build_optim_wrapper(net, config.optim_wrapper)
        assert wrapper.optimizer.defaults.get("fused") is (True if switches else None)
        for step in range(4):
            torch.manual_seed(step)
            wrapper.update_params(net(torch.randn(3, 6)).square().mean())
    torch.testing.assert_close(fused.weight, plain.weight)


def test_channels_last_changes_order_in_memory_alone() -> None:
    torch.manual_seed(0)
    net = ResNet(depth=18, stem_channels=8, base_channels=8)
    net.eval()
    images, keys = torch.randn(2, 3, 64, 64), list(net.state_dict())
    expected = net(images)[-1]
    switch_model(net, ["channels-last"])
    found = net(images)[-1]
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert list(net.state_dict()) == keys
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_compile_takes_the_blocks_of_a_vit_or_the_whole_backbone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is compiled, without compiling: that takes minutes."""
    compiled: list[str] = []
    monkeypatch.setattr(
        torch.nn.Module, "compile", lambda self: compiled.append(type(self).__name__)
    )
    arch = {"embed_dims": 8, "num_layers": 3, "num_heads": 2, "feedforward_channels": 8}
    vit = VisionTransformer(arch=arch, img_size=8, patch_size=4)
    switch_model(torch.nn.ModuleDict({"backbone": vit}), ["compile"])
    assert compiled == ["TransformerEncoderLayer"] * 3
    model = torch.nn.Module()
    model.backbone = torch.nn.Conv2d(3, 4, 1)
    switch_model(model, ["compile"])
    assert compiled[3:] == ["Conv2d"]
    switch_model(model, [])
    assert len(compiled) == 4


@pytest.mark.slow
def test_manifest_and_identity_name_the_switches(
    micro_workspace: Workspace, micro_catalog: Catalog
) -> None:
    recipe = micro_catalog.select_recipes("micro", ["mrcl"])[0]
    folder = micro_workspace.checkpoint_dir("micro", recipe.name)
    found = []
    for switches in ((), ("bf16", "fused")):
        request = Request(
            kind="pretrain",
            profile="micro",
            recipe=recipe,
            root=micro_workspace.root,
            switches=switches,
        )
        run_pretraining(request)
        found.append(read_manifest(folder))
    plain, fast = found
    assert plain.pretrain_cost is not None and plain.pretrain_cost.switches == ()
    assert fast.pretrain_cost is not None and fast.pretrain_cost.switches == ("bf16", "fused")
    assert plain.recipe_sha256 == fast.recipe_sha256
    assert plain.weights_sha256 != fast.weights_sha256
    mark = micro_workspace.runs / "pretrain" / "micro" / recipe.name / "identity.txt"
    assert mark.read_text().endswith(" with bf16 fused")
    raw = json.loads((folder / "manifest.json").read_text())
    assert raw["pretrain"]["cost"]["switches"] == ["bf16", "fused"]
