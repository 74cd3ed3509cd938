"""UPerNet over ResNet-50, 160,000 iterations of ADE20K at batch 16.

Source: mmseg `upernet/upernet_r50_4xb4-160k_ade20k-512x512.py`, except for the stem: see
`_base_/models/upernet_resnet50.py`. The schedule is FCN's.
"""

_base_ = [
    "../_base_/models/upernet_resnet50.py",
    "../_base_/datasets/ade20k-512x512.py",
    "../_base_/schedules/ade20k_160k_sgd.py",
    "../_base_/mmseg_runtime.py",
]

bench = dict(
    kind="protocol",
    task="segmentation",
    adapter="segmentation",
    family="upernet",
    display="UPerNet 160k",
    backbone="resnet50",
    profiles=["paper"],
    data="ade20k",
    main_metric="val/mIoU",
    seeds=3,
)
train_dataloader = dict(batch_size=4)
