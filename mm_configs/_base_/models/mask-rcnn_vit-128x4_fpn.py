"""Mask R-CNN over vit-128x4 through SimpleFPN, heads cut to what 96 px scenes need.

A patch of 8 px gives stride 8; SimpleFPN adds strides 4, 16 and 32. Channels are 64 instead
of 256, the box head's layers 128 instead of 1024, and RoIs fewer: at the full size the heads
would take nearly all of the time.
"""

_base_ = ["./rcnn_boxes-masks.py"]

model = dict(
    backbone=dict(
        type="mmpretrain.VisionTransformer",
        arch=dict(embed_dims=128, num_layers=4, num_heads=4, feedforward_channels=512),
        img_size=96,
        patch_size=8,
        out_type="featmap",
    ),
    neck=dict(type="SimpleFPN", in_channels=128, out_channels=64, scale_factors=(2, 1, 0.5, 0.25)),
    rpn_head=dict(
        in_channels=64,
        feat_channels=64,
        anchor_generator=dict(scales=[6], strides=[4, 8, 16, 32]),
    ),
    roi_head=dict(
        bbox_roi_extractor=dict(
            roi_layer=dict(sampling_ratio=2),
            out_channels=64,
            featmap_strides=[4, 8, 16],
            finest_scale=28,
        ),
        bbox_head=dict(in_channels=64, fc_out_channels=128, num_classes=12),
        mask_roi_extractor=dict(
            roi_layer=dict(sampling_ratio=2),
            out_channels=64,
            featmap_strides=[4, 8, 16],
            finest_scale=28,
        ),
        mask_head=dict(num_convs=2, in_channels=64, conv_out_channels=64, num_classes=12),
    ),
    train_cfg=dict(
        rpn=dict(sampler=dict(num=64)),
        rpn_proposal=dict(nms_pre=200, max_per_img=64),
        rcnn=dict(sampler=dict(num=32)),
    ),
    test_cfg=dict(
        rpn=dict(nms_pre=200, max_per_img=64),
        rcnn=dict(score_thr=0.01, max_per_img=20),
    ),
)
