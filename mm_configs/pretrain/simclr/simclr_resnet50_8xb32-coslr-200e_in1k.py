"""SimCLR on ResNet-50, 200 epochs at batch 256, as published for 8 small GPUs.

Source: mmpretrain `simclr/simclr_resnet50_8xb32-coslr-200e_in1k.py`.
"""

_base_ = ["./simclr_resnet50_16xb256-coslr-200e_in1k.py"]

bench = dict(
    kind="recipe",
    algorithm="simclr",
    display="SimCLR, batch 256",
    backbone="resnet50",
    profiles=["paper"],
    data="imagenet",
    role="baseline",
    source="mmpretrain",
    on_request=True,
)
train_dataloader = dict(batch_size=32)
optim_wrapper = dict(optimizer=dict(lr=0.3))
auto_scale_lr = dict(base_batch_size=256)
