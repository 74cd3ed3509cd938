"""MoCo v3 on ViT-S/16, 300 epochs at batch 4096, as published but for the number of heads.

Source: mmpretrain `mocov3/mocov3_vit-small-p16_16xb256-amp-coslr-300e_in1k.py`. 6 heads, not 12:
see `_base_/models/mocov3_vit-small-p16.py`.
"""

_base_ = [
    "../../_base_/models/mocov3_vit-small-p16.py",
    "../../_base_/datasets/in1k_two-views_mocov3.py",
    "../../_base_/schedules/in1k_adamw-mocov3_300e.py",
    "../../_base_/default_runtime.py",
]

bench = dict(
    kind="recipe",
    algorithm="moco",
    display="MoCo v3",
    backbone="vit-small-p16",
    profiles=["paper"],
    data="imagenet",
    role="baseline",
    source="mmpretrain",
)
train_dataloader = dict(batch_size=256)
