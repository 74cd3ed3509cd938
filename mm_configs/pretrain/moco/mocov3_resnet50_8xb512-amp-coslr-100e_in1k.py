"""MoCo v3 on ResNet-50, 100 epochs at batch 4096, as published: twice the rate of the 300 epochs.

Source: mmpretrain `mocov3/mocov3_resnet50_8xb512-amp-coslr-100e_in1k.py`.
"""

_base_ = ["./mocov3_resnet50_8xb512-amp-coslr-300e_in1k.py"]

bench = dict(
    kind="recipe",
    algorithm="moco",
    display="MoCo v3, 100 epochs",
    backbone="resnet50",
    profiles=["paper"],
    data="imagenet",
    role="baseline",
    source="mmpretrain",
    on_request=True,
)
optim_wrapper = dict(optimizer=dict(lr=9.6))
param_scheduler = [
    dict(
        type="LinearLR",
        start_factor=1e-4,
        begin=0,
        end=10,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
    dict(
        type="CosineAnnealingLR",
        T_max=90,
        begin=10,
        end=100,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]
train_cfg = dict(max_epochs=100)
