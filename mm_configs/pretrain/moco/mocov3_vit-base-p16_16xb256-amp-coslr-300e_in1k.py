"""MoCo v3 on ViT-B/16, 300 epochs at batch 4096, as published.

Source: mmpretrain `mocov3/mocov3_vit-base-p16_16xb256-amp-coslr-300e_in1k.py`.
"""

_base_ = [
    "../../_base_/models/mocov3_vit-base-p16.py",
    "../../_base_/datasets/in1k_two-views_mocov3.py",
    "../../_base_/schedules/in1k_adamw-mocov3_300e.py",
    "../../_base_/default_runtime.py",
]

bench = dict(
    kind="recipe",
    algorithm="moco",
    display="MoCo v3",
    backbone="vit-base-p16",
    profiles=["paper"],
    data="imagenet",
    role="baseline",
    source="mmpretrain",
)
train_dataloader = dict(batch_size=256)
