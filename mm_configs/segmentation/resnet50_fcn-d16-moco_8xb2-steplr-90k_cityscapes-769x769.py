"""MoCo's protocol on Cityscapes: FCN over ResNet-50 at stride 16, 90,000 iterations at batch 16.

Source: MoCo (He et al., arXiv 1911.05722), appendix on semantic segmentation; no config of it was
published. Stage 5 has stride 1 and dilation 2 in all its 3x3 convolutions; the head is two 3x3
convolutions of 256 channels with dilation 6, batch norm and ReLU, and a 1x1 one; no auxiliary
head. Rate 0.01, times 0.1 at 70 % and 90 % of training, weight decay 1e-4; scale 0.5 to 2, crops of
769, flips; tested on the whole picture.
What the paper does not say is set here: batch norm synchronised, no dropout, no warm-up.
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
    family="fcn-moco",
    display="FCN-16s 90k, Cityscapes",
    backbone="resnet50",
    profiles=["paper"],
    data="cityscapes",
    main_metric="val/mIoU",
    seeds=5,
    on_request=True,
)
model = dict(
    data_preprocessor=dict(size=(769, 769)),
    backbone=dict(dilations=(1, 1, 1, 2), strides=(1, 2, 2, 1), contract_dilation=False),
    decode_head=dict(
        channels=256, dilation=6, concat_input=False, dropout_ratio=0.0, num_classes=19
    ),
    auxiliary_head=None,
)
train_dataloader = dict(
    batch_size=2,
    dataset=dict(
        pipeline=[
            dict(type="LoadImageFromFile"),
            dict(type="LoadAnnotations"),
            dict(type="RandomResize", scale=(2048, 1024), ratio_range=(0.5, 2.0), keep_ratio=True),
            dict(type="RandomCrop", crop_size=(769, 769)),
            dict(type="RandomFlip", prob=0.5),
            dict(type="PackSegInputs"),
        ]
    ),
)
train_cfg = dict(type="IterBasedTrainLoop", max_iters=90000, val_interval=90000)
val_cfg = dict(type="ValLoop")
auto_scale_lr = dict(enable=False, base_batch_size=16)
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="SGD", lr=0.01, momentum=0.9, weight_decay=1e-4),
)
param_scheduler = [
    dict(type="MultiStepLR", milestones=[63000, 81000], gamma=0.1, end=90000, by_epoch=False)
]
