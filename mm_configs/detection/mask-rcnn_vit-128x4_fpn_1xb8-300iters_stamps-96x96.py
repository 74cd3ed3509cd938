_base_ = [
    "../_base_/models/mask-rcnn_vit-128x4_fpn.py",
    "../_base_/datasets/stamps96_coco.py",
    "../_base_/schedules/stamps_dense.py",
    "../_base_/mmdet_stamps_runtime.py",
]

bench = dict(
    kind="protocol",
    task="detection",
    adapter="detection",
    family="mask-rcnn",
    display="Mask R-CNN",
    backbone="vit-128x4",
    profiles=["tiny"],
    data="stamps",
    main_metric="val/bbox_mAP",
    seeds=1,
)
train_cfg = dict(type="IterBasedTrainLoop", max_iters=300, val_interval=300)
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-2, end=30, by_epoch=False),
    dict(type="CosineAnnealingLR", begin=30, end=300, by_epoch=False),
]
