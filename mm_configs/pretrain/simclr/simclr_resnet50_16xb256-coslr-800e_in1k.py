"""SimCLR on ResNet-50, 800 epochs at batch 4096, as published.

Source: mmpretrain `simclr/simclr_resnet50_16xb256-coslr-800e_in1k.py`. Its name says 16 x 256; the
file itself leaves the batch per GPU at its base's 32, beside a rate of 4.8, which is 4096's.
"""

_base_ = ["./simclr_resnet50_16xb256-coslr-200e_in1k.py"]

bench = dict(
    kind="recipe",
    algorithm="simclr",
    display="SimCLR, 800 epochs",
    backbone="resnet50",
    profiles=["paper"],
    data="imagenet",
    role="baseline",
    source="mmpretrain",
    on_request=True,
)
param_scheduler = [
    dict(
        type="LinearLR",
        start_factor=1e-4,
        begin=0,
        end=10,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
    dict(type="CosineAnnealingLR", T_max=790, begin=10, end=800, by_epoch=True),
]
train_cfg = dict(max_epochs=800)
