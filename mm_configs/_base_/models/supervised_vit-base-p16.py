"""Supervised ViT-B/16 after DeiT-B: the upper row.

Source: mmpretrain `deit/deit-base_16xb64_in1k.py` (class token, drop path 0.1, label smoothing,
mixup, CutMix). Two departures: positions are frozen 2D sin-cos as in every other ViT recipe
here, where DeiT learns them; the linear head is `LinearClsHead` on the class token.
"""

model = dict(
    type="ImageClassifier",
    data_preprocessor=dict(
        type="ClsDataPreprocessor",
        num_classes=1000,
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
        stop_grad_conv1=False,
        drop_path_rate=0.1,
    ),
    head=dict(
        type="LinearClsHead",
        num_classes=1000,
        in_channels=768,
        loss=dict(type="LabelSmoothLoss", label_smooth_val=0.1, mode="original"),
        topk=(1,),
    ),
    train_cfg=dict(augments=[dict(type="Mixup", alpha=0.8), dict(type="CutMix", alpha=1.0)]),
)
