"""MoCo v3 on ResNet-50, 300 epochs at batch 4096, as published.

Source: mmpretrain `mocov3/mocov3_resnet50_8xb512-amp-coslr-300e_in1k.py`.
"""

_base_ = [
    "../../_base_/models/mocov3_resnet50.py",
    "../../_base_/datasets/in1k_two-views_mocov3-resnet.py",
    "../../_base_/schedules/in1k_lars-mocov3_300e.py",
    "../../_base_/default_runtime.py",
]

bench = dict(
    kind="recipe",
    algorithm="moco",
    display="MoCo v3",
    backbone="resnet50",
    profiles=["paper"],
    data="imagenet",
    role="baseline",
    source="mmpretrain",
)
train_dataloader = dict(batch_size=512)
