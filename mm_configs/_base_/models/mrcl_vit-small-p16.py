"""MRCL on ViT-S/16: as on ViT-B (`mrcl_vit-base-p16.py`), with DeiT-S as the encoder.

384 wide, 12 layers, 6 heads; projector, predictor and every weight are ViT-B's, the
decoder is MAE's of this size.
"""

_base_ = ["./mrcl_vit-base-p16.py"]

model = dict(
    backbone=dict(arch="deit-small"),
    neck=dict(in_channels=384),
    decoder=dict(embed_dim=384, decoder_embed_dim=256, decoder_num_heads=8),
)
