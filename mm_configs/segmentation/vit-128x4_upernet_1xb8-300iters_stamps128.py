_base_ = [
    "../_base_/models/upernet_vit-128x4.py",
    "../_base_/datasets/stamps128_ade.py",
    "../_base_/default_runtime.py",
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
default_scope = "mmseg"
visualizer = dict(type="SegLocalVisualizer")
train_cfg = dict(type="IterBasedTrainLoop", max_iters=300, val_interval=300)
val_cfg = dict(type="ValLoop")
test_cfg = dict(type="TestLoop")
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="AdamW", lr=1e-3, betas=(0.9, 0.999), weight_decay=0.05),
    clip_grad=dict(max_norm=5.0),
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=1e-2, end=30, by_epoch=False),
    dict(type="CosineAnnealingLR", begin=30, end=300, by_epoch=False),
]
default_hooks = dict(checkpoint=None)
