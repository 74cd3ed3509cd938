"""SimCLR on ViT-S/16, all classes mmpretrain's.

As on ViT-B (`simclr_vit-base-p16.py`), with the backbone of `mocov3_vit-small-p16.py`: 6 heads, as
DeiT-S has. Nobody published this recipe as a config.
"""

_base_ = ["./simclr_vit-base-p16.py"]

model = dict(backbone=dict(arch="deit-small"), neck=dict(in_channels=384))
