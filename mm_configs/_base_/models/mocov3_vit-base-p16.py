"""MoCo v3 on ViT-B/16, all classes mmpretrain's.

Source: mmpretrain `mocov3/mocov3_vit-base-p16_16xb256-amp-coslr-300e_in1k.py`. As published, the
contrast reads the class token, positions are frozen 2D sin-cos, and the patch projection stays
at its random start (`stop_grad_conv1`).
"""

model = dict(
    type="MoCoV3",
    base_momentum=0.01,
    data_preprocessor=dict(
        type="SelfSupDataPreprocessor",
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        to_rgb=True,
    ),
    backbone=dict(
        type="MoCoV3ViT",
        arch="base",
        img_size=224,
        patch_size=16,
        out_type="cls_token",
        stop_grad_conv1=True,
    ),
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
    head=dict(
        type="MoCoV3Head",
        temperature=0.2,
        loss=dict(type="CrossEntropyLoss", loss_weight=0.4),
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
    ),
)
