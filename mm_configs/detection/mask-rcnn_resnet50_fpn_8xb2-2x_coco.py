"""Mask R-CNN R50-FPN, 2x: 24 epochs, steps after 16 and 22; the rest is that of 1x.

Source: mmdet `_base_/schedules/schedule_2x.py`.
"""

_base_ = ["./mask-rcnn_resnet50_fpn_8xb2-1x_coco.py"]

bench = dict(
    kind="protocol",
    task="detection",
    adapter="detection",
    family="mask-rcnn-2x",
    display="Mask R-CNN 2x",
    backbone="resnet50",
    profiles=["paper"],
    data="coco",
    main_metric="val/bbox_mAP",
    seeds=3,
    on_request=True,
)
train_cfg = dict(type="EpochBasedTrainLoop", max_epochs=24, val_interval=24)
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-3, begin=0, end=500, by_epoch=False),
    dict(type="MultiStepLR", begin=0, end=24, milestones=[16, 22], gamma=0.1, by_epoch=True),
]
