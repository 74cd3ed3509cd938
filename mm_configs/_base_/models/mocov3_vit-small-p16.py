"""MoCo v3 on ViT-S/16, all classes mmpretrain's.

Source: mmpretrain `mocov3/mocov3_vit-small-p16_16xb256-amp-coslr-300e_in1k.py`, which differs from
ViT-B's in the backbone alone. One departure: 6 heads of 64, as DeiT-S has, where MoCo v3's own
"small" has 12 of 32. The weights have the same shapes either way, and one protocol file per task
then fits every ViT-S.
"""

_base_ = ["./mocov3_vit-base-p16.py"]

model = dict(backbone=dict(arch="deit-small"), neck=dict(in_channels=384))
