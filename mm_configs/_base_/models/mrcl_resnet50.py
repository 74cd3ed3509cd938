"""MRCL on ResNet-50: 32 px cells of the image are hidden and painted again from the last map.

Projector and predictor are those of mmpretrain's MoCo v3 on ResNet-50
(`mocov3/mocov3_resnet50_8xb512-amp-coslr-300e_in1k.py`). Masking, decoder, ratio, weights
and temperature are our own choice; the paper's are not known to us. 24 of the 49 cells of a view
stay visible.
"""

model = dict(
    type="MRCL",
    mask_ratio=0.5,
    mask_cell=32,
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
    backbone=dict(type="ResNet", depth=50, norm_cfg=dict(type="SyncBN"), zero_init_residual=False),
    neck=dict(
        type="NonLinearNeck",
        in_channels=2048,
        hid_channels=4096,
        out_channels=256,
        num_layers=2,
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
        with_last_bn=False,
        with_last_bn_affine=False,
        with_last_bias=False,
        with_avg_pool=False,
    ),
    decoder=dict(
        type="UpsampleDecoder",
        in_channels=2048,
        width=256,
        stride=32,
        num_upsamples=3,
        norm_cfg=dict(type="SyncBN"),
    ),
    head=dict(
        type="MAEPretrainHead",
        norm_pix=True,
        patch_size=32,
        loss=dict(type="PixelReconstructionLoss", criterion="L2"),
    ),
)
