"""MRCL on ViT-B/16.

Projector and predictor are MoCo v3's, decoder and head MAE's, positions frozen 2D sin-cos as
theirs. Ratio, weights and temperature are our own choice and the tiny recipes' too; the paper's
are not known to us. The contrast reads the mean of the visible patch tokens. Unlike MoCo v3's,
the patch projection is trained: the reconstruction needs it.
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
    pool="avg",
    data_preprocessor=dict(
        type="SelfSupDataPreprocessor",
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        to_rgb=True,
    ),
    backbone=dict(type="MaskedViT", arch="base", img_size=224, patch_size=16),
    neck=dict(
        type="NonLinearNeck",
        in_channels=768,
        hid_channels=4096,
        out_channels=256,
        num_layers=3,
        with_bias=False,
        with_last_bn=True,
        with_last_bn_affine=False,
        with_last_bias=False,
        with_avg_pool=False,
    ),
    predictor=dict(
        type="NonLinearNeck",
        in_channels=256,
        hid_channels=4096,
        out_channels=256,
        num_layers=2,
        with_bias=False,
        with_last_bn=True,
        with_last_bn_affine=False,
        with_last_bias=False,
        with_avg_pool=False,
    ),
    decoder=dict(
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
