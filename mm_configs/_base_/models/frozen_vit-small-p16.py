"""ViT-S/16 as a frozen encoder: mean of the normalised patch tokens.

Width 384, 12 layers, 6 heads as in DeiT; MoCo v3's own ViT-S has 12 heads. Weights of both have
the same shapes and give different features, so only those made with 6 heads belong here.
"""

_base_ = ["./frozen_vit-base-p16.py"]

model = dict(backbone=dict(arch="deit-small"))
