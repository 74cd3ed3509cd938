"""ResNet-50, initialised as SimCLR's, and never trained: the floor."""

_base_ = ["../simclr/simclr_resnet50_16xb256-coslr-200e_in1k.py"]

bench = dict(
    kind="recipe",
    algorithm="random",
    display="Random init",
    backbone="resnet50",
    profiles=["paper"],
    data="imagenet",
    role="floor",
    source="mmpretrain",
)
