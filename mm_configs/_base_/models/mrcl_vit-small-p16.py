"""MRCL on ViT-S/16: as on ViT-B (`mrcl_vit-base-p16.py`), with DeiT-S as the encoder.

384 wide, 12 layers, 6 heads; projector, predictor, decoder and every weight are ViT-B's.
"""

_base_ = ["./mrcl_vit-base-p16.py"]

model = dict(
    backbone=dict(arch="deit-small"),
    neck=dict(in_channels=384),
    decoder=dict(embed_dim=384),
)
