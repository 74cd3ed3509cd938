"""ViT-S/16, initialised as MoCo v3's, and never trained: the floor."""

_base_ = ["../simclr/simclr_vit-small-p16_16xb256-amp-coslr-300e_in1k.py"]

bench = dict(
    kind="recipe",
    algorithm="random",
    display="Random init",
    backbone="vit-small-p16",
    profiles=["paper"],
    data="imagenet",
    role="floor",
    source="mmpretrain",
)
