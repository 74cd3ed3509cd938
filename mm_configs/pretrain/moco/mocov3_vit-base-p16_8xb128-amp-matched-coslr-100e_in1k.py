"""MoCo v3 on ViT-B/16, 100 epochs at batch 1024: a member of the matched family.

The model is `_base_/models/mocov3_vit-base-p16.py`; the schedule
(`_base_/schedules/in1k_matched-adamw_100e.py`) and the augmentation are the family's. No such
recipe is published.
"""

_base_ = [
    "../../_base_/models/mocov3_vit-base-p16.py",
    "../../_base_/datasets/in1k_two-views_mocov2.py",
    "../../_base_/schedules/in1k_matched-adamw_100e.py",
    "../../_base_/default_runtime.py",
]

bench = dict(
    kind="recipe",
    algorithm="moco",
    display="MoCo v3, matched",
    backbone="vit-base-p16",
    profiles=["paper"],
    data="imagenet",
    role="baseline",
    source="mmpretrain",
    family="matched-vit-base-p16",
    on_request=True,
)
train_dataloader = dict(batch_size=128)
