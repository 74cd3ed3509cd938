"""UPerNet over ViT-S/16 at 512 px: the ViT-B network with 384 channels in backbone, neck and head.

Widths: iBOT `evaluation/semantic_segmentation/configs/upernet/vit_small_512_ade20k_160k_ms.py`.
The backbone is DeiT's ViT-S (6 heads, mmpretrain's `deit-small`), as in every protocol here; MoCo
v3's own code gives its ViT-S 12. The other departures are those of the ViT-B network.
"""

_base_ = ["./upernet_vit-base-p16.py"]

model = dict(
    backbone=dict(arch="deit-small"),
    neck=dict(embed_dim=384),
    decode_head=dict(in_channels=[384, 384, 384, 384], channels=384),
    auxiliary_head=dict(in_channels=384),
)
