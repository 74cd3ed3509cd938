"""MAE on ViT-S/16, all classes mmpretrain's.

MAE's authors and mmpretrain have no ViT-S: this is ViT-B's model (`mae_vit-base-p16.py`) with
DeiT-S (384 wide, 12 layers, 6 heads) as the encoder. The decoder keeps its 8 layers of 512.
"""

_base_ = ["./mae_vit-base-p16.py"]

model = dict(backbone=dict(arch="deit-small"), neck=dict(embed_dim=384))
