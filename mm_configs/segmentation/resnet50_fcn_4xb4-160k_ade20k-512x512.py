"""FCN over ResNet-50 at stride 8, 160,000 iterations of ADE20K at batch 16.

Source: mmseg `fcn/fcn_r50-d8_4xb4-160k_ade20k-512x512.py`, except for the stem: see
`_base_/models/fcn_resnet50-d8.py`.
"""

_base_ = [
    "../_base_/models/fcn_resnet50-d8.py",
    "../_base_/datasets/ade20k-512x512.py",
    "../_base_/schedules/ade20k_160k.py",
    "../_base_/default_runtime.py",
]

bench = dict(
    kind="protocol",
    task="segmentation",
    adapter="segmentation",
    family="fcn",
    display="FCN 160k",
    backbone="resnet50",
    profiles=["paper"],
    data="ade20k",
    main_metric="val/mIoU",
    seeds=3,
)
default_scope = "mmseg"
visualizer = dict(type="SegLocalVisualizer")
train_dataloader = dict(batch_size=4)
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="SGD", lr=0.01, momentum=0.9, weight_decay=5e-4),
)
param_scheduler = [
    dict(type="PolyLR", eta_min=1e-4, power=0.9, begin=0, end=160000, by_epoch=False)
]
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=16000, max_keep_ckpts=1))
