_base_ = [
    "../_base_/models/upernet_vit-128x4.py",
    "../_base_/datasets/stamps96_ade.py",
    "../_base_/schedules/stamps_dense.py",
    "../_base_/mmseg_stamps_runtime.py",
]

bench = dict(
    kind="protocol",
    task="segmentation",
    adapter="segmentation",
    family="upernet",
    display="UPerNet",
    backbone="vit-128x4",
    profiles=["tiny"],
    data="stamps",
    main_metric="val/mIoU",
    seeds=1,
)
train_cfg = dict(type="IterBasedTrainLoop", max_iters=80, val_interval=80)
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-2, end=15, by_epoch=False),
    dict(type="CosineAnnealingLR", begin=15, end=80, by_epoch=False),
]
