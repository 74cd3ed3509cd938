"""SimCLR on ResNet-50, 200 epochs at batch 4096, as published.

Source: mmpretrain `simclr/simclr_resnet50_16xb256-coslr-200e_in1k.py`.
"""

_base_ = [
    "../../_base_/models/simclr_resnet50.py",
    "../../_base_/datasets/in1k_two-views_simclr.py",
    "../../_base_/schedules/in1k_lars_200e.py",
    "../../_base_/default_runtime.py",
]

bench = dict(
    kind="recipe",
    algorithm="simclr",
    display="SimCLR",
    backbone="resnet50",
    profiles=["paper"],
    data="imagenet",
    role="baseline",
    source="mmpretrain",
)
train_dataloader = dict(batch_size=256)
