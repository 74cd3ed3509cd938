"""Supervised ViT-S/16 after DeiT-S, 300 epochs at batch 1024.

Source: mmpretrain `deit/deit-small_4xb256_in1k.py`; optimiser, schedule and augmentation are
DeiT-B's, without drop path.
"""

_base_ = ["./supervised_vit-base-p16_16xb64-coslr-300e_in1k.py"]

bench = dict(
    kind="recipe",
    algorithm="supervised",
    display="Supervised",
    backbone="vit-small-p16",
    profiles=["paper"],
    data="imagenet",
    role="ceiling",
    source="mmpretrain",
)
model = dict(
    backbone=dict(arch="deit-small", drop_path_rate=0.0),
    head=dict(in_channels=384),
)
train_dataloader = dict(batch_size=256)
