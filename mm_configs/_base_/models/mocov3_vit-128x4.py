"""MoCo v3 on vit-128x4 (128 wide, 4 layers, patch 8, 48 px), all classes mmpretrain's.

The patch projection stays at its random start (`stop_grad_conv1`), the method's own
cure for unstable ViT training. `loss_weight` is 2 x temperature, also the method's.
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
        arch=dict(embed_dims=128, num_layers=4, num_heads=4, feedforward_channels=512),
        img_size=48,
        patch_size=8,
        out_type="featmap",
        stop_grad_conv1=True,
    ),
    neck=dict(
        type="NonLinearNeck",
        in_channels=128,
        hid_channels=512,
        out_channels=128,
        num_layers=2,
        with_last_bn_affine=False,
        with_avg_pool=True,
        norm_cfg=dict(type="BN1d"),
    ),
    head=dict(
        type="MoCoV3Head",
        temperature=0.2,
        loss=dict(type="CrossEntropyLoss", loss_weight=0.4),
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
    ),
)
