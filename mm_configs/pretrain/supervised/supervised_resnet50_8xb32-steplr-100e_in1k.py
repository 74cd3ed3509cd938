"""Supervised ResNet-50, 100 epochs at batch 256.

Source: mmpretrain `resnet/resnet50_8xb32_in1k.py` and its `_base_/schedules/imagenet_bs256.py`.
"""

_base_ = [
    "../../_base_/models/supervised_resnet50.py",
    "../../_base_/datasets/in1k_basic.py",
    "../../_base_/default_runtime.py",
]

bench = dict(
    kind="recipe",
    algorithm="supervised",
    display="Supervised",
    backbone="resnet50",
    profiles=["paper"],
    data="imagenet",
    role="ceiling",
    source="mmpretrain",
)
train_dataloader = dict(batch_size=32)
val_dataloader = None
val_evaluator = None
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="SGD", lr=0.1, momentum=0.9, weight_decay=1e-4),
)
param_scheduler = [dict(type="MultiStepLR", by_epoch=True, milestones=[30, 60, 90], gamma=0.1)]
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=100)
auto_scale_lr = dict(enable=False, base_batch_size=256)
