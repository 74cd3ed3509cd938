"""MRCL on vit-128x4 (128 wide, 4 layers, patch 8, 48 px: 36 patches).

Same projector and predictor as MoCo v3, same decoder as MAE. The ablations change
`mask_ratio`, `contrast_weight` and `reconstruct_weight`, nothing else.
"""

model = dict(
    type="MRCL",
    mask_ratio=0.5,
    contrast_weight=1.0,
    reconstruct_weight=1.0,
    temperature=0.2,
    reconstruct_views=2,
    base_momentum=0.01,
    promote="online",
    data_preprocessor=dict(
        type="SelfSupDataPreprocessor",
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        to_rgb=True,
    ),
    backbone=dict(
        type="MaskedViT",
        arch=dict(embed_dims=128, num_layers=4, num_heads=4, feedforward_channels=512),
        img_size=48,
        patch_size=8,
    ),
    neck=dict(
        type="NonLinearNeck",
        in_channels=128,
        hid_channels=512,
        out_channels=128,
        num_layers=2,
        with_last_bn_affine=False,
        with_avg_pool=False,
        norm_cfg=dict(type="BN1d"),
    ),
    predictor=dict(
        type="NonLinearNeck",
        in_channels=128,
        hid_channels=512,
        out_channels=128,
        num_layers=2,
        with_last_bn_affine=False,
        with_avg_pool=False,
        norm_cfg=dict(type="BN1d"),
    ),
    decoder=dict(
        type="MAEPretrainDecoder",
        num_patches=36,
        patch_size=8,
        in_chans=3,
        embed_dim=128,
        decoder_embed_dim=64,
        decoder_depth=2,
        decoder_num_heads=4,
        mlp_ratio=4,
    ),
    head=dict(
        type="MAEPretrainHead",
        norm_pix=True,
        patch_size=8,
        loss=dict(type="PixelReconstructionLoss", criterion="L2"),
    ),
    init_cfg=[
        dict(type="Xavier", layer="Linear", distribution="uniform"),
        dict(type="Constant", layer="LayerNorm", val=1.0, bias=0.0),
    ],
)
