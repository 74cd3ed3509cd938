"""SimCLR on vit-128x4 (128 wide, 4 layers, patch 8, 48 px), all classes mmpretrain's.

`MoCoV3ViT` is a plain `VisionTransformer` whose sin-cos positions are frozen, as
in MAE, MoCo v3 and MRCL; with `out_type='featmap'` the neck pools, so the weights
carry no second norm (`ln2`) that other algorithms would lack.
"""

model = dict(
    type="SimCLR",
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
        stop_grad_conv1=False,
    ),
    neck=dict(
        type="NonLinearNeck",
        in_channels=128,
        hid_channels=512,
        out_channels=128,
        num_layers=2,
        with_avg_pool=True,
        norm_cfg=dict(type="BN1d"),
    ),
    head=dict(type="ContrastiveHead", loss=dict(type="CrossEntropyLoss"), temperature=0.1),
    init_cfg=[
        dict(type="Xavier", layer="Linear", distribution="uniform"),
        dict(type="Constant", layer="LayerNorm", val=1.0, bias=0.0),
    ],
)
