"""Mask R-CNN R50-FPN, 1x: 12 epochs of COCO at batch 16, rate 0.02, steps after 8 and 11.

Schedule: mmdet `_base_/schedules/schedule_1x.py`; scales: MoCo's detection configs.
"""

_base_ = [
    "../_base_/models/mask-rcnn_resnet50_fpn.py",
    "../_base_/datasets/coco_instance.py",
    "../_base_/default_runtime.py",
]

bench = dict(
    kind="protocol",
    task="detection",
    adapter="detection",
    family="mask-rcnn",
    display="Mask R-CNN 1x",
    backbone="resnet50",
    profiles=["paper"],
    data="coco",
    main_metric="val/bbox_mAP",
    seeds=3,
)
default_scope = "mmdet"
visualizer = dict(type="DetLocalVisualizer")
train_dataloader = dict(batch_size=2)
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=12, val_interval=12)
val_cfg = dict(type="ValLoop")
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="SGD", lr=0.02, momentum=0.9, weight_decay=1e-4),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-3, begin=0, end=500, by_epoch=False),
    dict(type="MultiStepLR", begin=0, end=12, milestones=[8, 11], gamma=0.1, by_epoch=True),
]
default_hooks = dict(checkpoint=dict(interval=1, max_keep_ckpts=1))
auto_scale_lr = dict(enable=False, base_batch_size=16)
