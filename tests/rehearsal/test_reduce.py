"""What a rehearsal makes of a config: small where it is slow, unchanged where it decides."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("mmengine")
from mmengine.config import Config, ConfigDict  # noqa: E402

from mrcl_bench.catalog import load_catalog  # noqa: E402
from mrcl_bench.errors import BenchError  # noqa: E402
from mrcl_bench.rehearsal.reduce import Rehearsal, reduce_config  # noqa: E402
from mrcl_bench.resolve import load_config  # noqa: E402

CATALOG = load_catalog()
PAPER = [p.name for p in CATALOG.protocols.values() if "paper" in p.profiles]
RECIPES = [r.name for r in CATALOG.recipes.values() if "paper" in r.profiles]
SMALL = Rehearsal()


def reduced(name: str, change: Callable[[Any], None] = lambda config: None) -> tuple[Any, Any, Any]:
    """The config before and after, and what was said."""
    spec = CATALOG.protocols.get(name) or CATALOG.recipes[name]
    config = load_config(spec.path)
    change(config)
    before = copy.deepcopy(config)
    return before, config, reduce_config(config, SMALL, recipe=name in CATALOG.recipes)


@pytest.mark.parametrize("name", PAPER)
def test_what_is_trained_and_how_stays(name: str) -> None:
    before, after, said = reduced(name)

    def plain(value: Any) -> Any:
        """The model without synchronised norms and sizes of pictures."""
        if isinstance(value, dict):
            return {
                key: "BN" if item == "SyncBN" else plain(item)
                for key, item in value.items()
                if key not in ("data_preprocessor", "train_cfg", "test_cfg")
            }
        return [plain(item) for item in value] if isinstance(value, list | tuple) else value

    assert plain(after.model.to_dict()) == plain(before.model.to_dict())
    assert after.get("param_scheduler") == before.get("param_scheduler")
    if "optim_wrapper" in before:
        assert after.optim_wrapper.optimizer == before.optim_wrapper.optimizer
        assert after.optim_wrapper.get("paramwise_cfg") == before.optim_wrapper.get("paramwise_cfg")
        assert after.optim_wrapper.type == "OptimWrapper"
        amp = before.optim_wrapper.type == "AmpOptimWrapper"
        assert ("precision" in said) == amp
    assert "SyncBN" not in str(after.model)
    assert ("batch norms" in said) == ("SyncBN" in str(before.model))
    assert said["images"].endswith("to 128 px")
    assert after.train_dataloader.num_workers == after.val_dataloader.num_workers == 0
    assert after.bench == before.bench


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_keep_their_pictures(name: str) -> None:
    before, after, said = reduced(name)
    assert "images" not in said
    pipeline = after.train_dataloader.dataset.pipeline
    assert pipeline == before.train_dataloader.dataset.pipeline
    assert after.train_dataloader.batch_size == 2
    assert after.train_cfg.get("max_epochs", 1) == 1


def test_detectors_keep_fewer_proposals() -> None:
    _, after, said = reduced("mask-rcnn_resnet50_fpn_8xb2-1x_coco")
    assert after.model.train_cfg.rcnn.sampler.num == 32
    assert after.model.test_cfg.rpn.max_per_img == 32
    assert after.model.train_cfg.rcnn.assigner.pos_iou_thr == 0.5
    assert said["proposals"] == "at most 64"
    assert after.train_dataloader.dataset.pipeline[2].scales[-1] == (213, 128)


def test_padding_and_sliding_follow_the_pictures() -> None:
    vit_det = next(n for n in PAPER if n.startswith("mask-rcnn_vit-base-p16-global"))
    _, after, _ = reduced(vit_det)
    assert after.model.data_preprocessor.pad_size_divisor == 128
    assert after.model.backbone.img_size == 1024, "positions are resampled as in a real job"
    _, after, said = reduced("vit-base-p16_upernet_8xb2-amp-160k_ade20k-512x512")
    assert after.model.data_preprocessor.size == (128, 128)
    assert after.model.test_cfg.crop_size == (128, 128) and after.model.test_cfg.stride == (85, 85)
    assert "slide" in said and said["iterations"] == "160000 to 2"
    _, after, _ = reduced("resnet50_fcn_4xb4-160k_ade20k-512x512")
    assert "crop_size" not in after.model.test_cfg


def test_probes_hold_out_and_look_at_what_is_there() -> None:
    _, after, said = reduced("resnet50_knn_in1k")
    assert after.knn.held_out == 0.5 and after.knn.k == [8]
    assert after.train_dataloader.dataset.indices == 24
    assert "train_cfg" not in after and "batch" not in said


def test_joined_data_sets_share_the_pictures() -> None:
    def join(config: Any) -> None:
        one = config.train_dataloader.dataset
        whole = dict(type="ConcatDataset", datasets=[copy.deepcopy(one), copy.deepcopy(one)])
        config.train_dataloader.dataset = ConfigDict(type="RepeatDataset", times=3, dataset=whole)

    _, after, _ = reduced("mask-rcnn_resnet50_fpn_8xb2-1x_coco", join)
    leaves = after.train_dataloader.dataset.dataset.datasets
    assert [leaf.indices for leaf in leaves] == [2, 2]
    assert "indices" not in after.train_dataloader.dataset
    assert leaves[1].pipeline[2].scales[-1] == (213, 128)


def test_what_cannot_be_made_short_is_refused() -> None:
    def endless(config: Any) -> None:
        config.train_cfg = ConfigDict(type="MyLoop", hours=3)

    with pytest.raises(BenchError, match="neither max_iters nor max_epochs"):
        reduced("resnet50_fcn_4xb4-160k_ade20k-512x512", endless)


def test_small_configs_are_not_enlarged() -> None:
    config = Config(
        dict(
            model=dict(backbone=dict(type="ResNet")),
            train_dataloader=dict(
                batch_size=4,
                dataset=dict(type="CustomDataset", pipeline=[dict(type="Resize", scale=48)]),
            ),
            train_cfg=dict(max_epochs=3),
        )
    )
    said = reduce_config(config, SMALL)
    assert config.train_dataloader.dataset.pipeline[0].scale == 48 and "images" not in said
