"""MAE on ViT-B/16, all classes mmpretrain's.

Source: mmpretrain `_base_/models/mae_vit-base-p16.py`. Positions are frozen 2D sin-cos, as
published; nothing is pooled. Takes one view per image (no `MultiView` in the pipeline).
"""

model = dict(
    type="MAE",
    data_preprocessor=dict(
        type="SelfSupDataPreprocessor",
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        to_rgb=True,
    ),
    backbone=dict(type="MAEViT", arch="b", img_size=224, patch_size=16, mask_ratio=0.75),
    neck=dict(
        type="MAEPretrainDecoder",
        num_patches=196,
        patch_size=16,
        in_chans=3,
        embed_dim=768,
        decoder_embed_dim=512,
        decoder_depth=8,
        decoder_num_heads=16,
        mlp_ratio=4.0,
    ),
    head=dict(
        type="MAEPretrainHead",
        norm_pix=True,
        patch_size=16,
        loss=dict(type="PixelReconstructionLoss", criterion="L2"),
    ),
    init_cfg=[
        dict(type="Xavier", layer="Linear", distribution="uniform"),
        dict(type="Constant", layer="LayerNorm", val=1.0, bias=0.0),
    ],
)
