"""MAE on ViT-S/16, all classes mmpretrain's.

MAE's authors and mmpretrain have no ViT-S: this is ViT-B's model (`mae_vit-base-p16.py`) with
DeiT-S (384 wide, 12 layers, 6 heads) as the encoder. The decoder is two thirds as wide as the
encoder and has 8 layers and heads of 32, as ViT-B's; with ViT-B's 512 it would be dearer than the
encoder.
"""

_base_ = ["./mae_vit-base-p16.py"]

model = dict(
    backbone=dict(arch="deit-small"),
    neck=dict(embed_dim=384, decoder_embed_dim=256, decoder_num_heads=8),
)
