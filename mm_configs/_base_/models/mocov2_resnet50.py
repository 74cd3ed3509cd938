"""MoCo v2 on ResNet-50, all classes mmpretrain's.

Source: mmpretrain `mocov2/mocov2_resnet50_8xb32-coslr-200e_in1k.py`. Batch norms are per GPU:
keys are shuffled over GPUs instead, so that norms leak nothing.
"""

model = dict(
    type="MoCo",
    queue_len=65536,
    feat_dim=128,
    momentum=0.001,
    data_preprocessor=dict(
        type="SelfSupDataPreprocessor",
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        to_rgb=True,
    ),
    backbone=dict(type="ResNet", depth=50, norm_cfg=dict(type="BN"), zero_init_residual=False),
    neck=dict(
        type="MoCoV2Neck",
        in_channels=2048,
        hid_channels=2048,
        out_channels=128,
        with_avg_pool=True,
    ),
    head=dict(type="ContrastiveHead", loss=dict(type="CrossEntropyLoss"), temperature=0.2),
)
