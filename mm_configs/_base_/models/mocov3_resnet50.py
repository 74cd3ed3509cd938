"""MoCo v3 on ResNet-50, all classes mmpretrain's.

Source: mmpretrain `mocov3/mocov3_resnet50_8xb512-amp-coslr-300e_in1k.py`; its 100-epoch config has
the same model. A temperature of 1 and a loss weight of 2 are as published for ResNet.
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
        with_avg_pool=True,
    ),
    head=dict(
        type="MoCoV3Head",
        temperature=1.0,
        loss=dict(type="CrossEntropyLoss", loss_weight=2.0),
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
    ),
)
