_base_ = [
    "../_base_/models/mask-rcnn_vit-128x4_fpn.py",
    "../_base_/datasets/stamps128_coco.py",
    "../_base_/default_runtime.py",
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
default_scope = "mmdet"
visualizer = dict(type="DetLocalVisualizer")
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
