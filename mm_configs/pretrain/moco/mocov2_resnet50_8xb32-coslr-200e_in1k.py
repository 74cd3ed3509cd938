"""MoCo v2 on ResNet-50, 200 epochs at batch 256, as published.

Source: mmpretrain `mocov2/mocov2_resnet50_8xb32-coslr-200e_in1k.py`.
"""

_base_ = [
    "../../_base_/models/mocov2_resnet50.py",
    "../../_base_/datasets/in1k_two-views_mocov2.py",
    "../../_base_/default_runtime.py",
]

bench = dict(
    kind="recipe",
    algorithm="moco",
    display="MoCo v2",
    backbone="resnet50",
    profiles=["paper"],
    data="imagenet",
    role="baseline",
    source="mmpretrain",
)
train_dataloader = dict(batch_size=32)
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="SGD", lr=0.03, momentum=0.9, weight_decay=1e-4),
)
param_scheduler = [dict(type="CosineAnnealingLR", T_max=200, begin=0, end=200, by_epoch=True)]
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=200)
auto_scale_lr = dict(enable=False, base_batch_size=256)
