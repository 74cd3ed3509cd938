"""FCN over ResNet-50 at stride 8, 80,000 iterations of Cityscapes at batch 8.

Source: mmseg `fcn/fcn_r50-d8_4xb2-80k_cityscapes-512x1024.py`, except for the stem: see
`_base_/models/fcn_resnet50-d8.py`. MMSelfSup's benchmark takes the same network and optimiser with
40,000 iterations and crops of 769 x 769; MoCo's own protocol is
`resnet50_fcn-d16-moco_8xb2-steplr-90k_cityscapes-769x769.py`.
"""

_base_ = [
    "../_base_/models/fcn_resnet50-d8.py",
    "../_base_/datasets/cityscapes-512x1024.py",
    "../_base_/mmseg_runtime.py",
]

bench = dict(
    kind="protocol",
    task="segmentation",
    adapter="segmentation",
    family="fcn-cityscapes",
    display="FCN 80k, Cityscapes",
    backbone="resnet50",
    profiles=["paper"],
    data="cityscapes",
    main_metric="val/mIoU",
    seeds=3,
    on_request=True,
)
model = dict(
    data_preprocessor=dict(size=(512, 1024)),
    decode_head=dict(num_classes=19),
    auxiliary_head=dict(num_classes=19),
)
train_dataloader = dict(batch_size=2)
train_cfg = dict(type="IterBasedTrainLoop", max_iters=80000, val_interval=80000)
val_cfg = dict(type="ValLoop")
auto_scale_lr = dict(enable=False, base_batch_size=8)
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="SGD", lr=0.01, momentum=0.9, weight_decay=5e-4),
)
param_scheduler = [dict(type="PolyLR", eta_min=1e-4, power=0.9, begin=0, end=80000, by_epoch=False)]
