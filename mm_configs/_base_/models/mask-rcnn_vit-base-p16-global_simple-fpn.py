"""Mask R-CNN over a plain ViT-B/16 with global attention, through SimpleFPN.

After ViTDet-B (Li et al., arXiv 2203.16527; detectron2 `mask_rcnn_vitdet_b_100ep.py`): one-map
pyramid, RPN of two convolutions, box head of four convolutions and one layer, layer norm in the
heads, drop path 0.1. **Not ViTDet's backbone**: mmpretrain's ViT has neither windows (ViTDet has
14 x 14 windows with global blocks 2, 5, 8, 11) nor relative positions, so all 12 blocks attend
over all 64 x 64 tokens. Its numbers must not be set beside ViTDet's published ones.

The preprocessor pads normalised pictures, with zeros, to 1024 x 1024.
"""

_base_ = ["./rcnn_boxes-masks.py"]

model = dict(
    data_preprocessor=dict(pad_size_divisor=1024),
    backbone=dict(
        type="mmpretrain.VisionTransformer",
        arch="base",
        img_size=1024,
        patch_size=16,
        out_type="featmap",
        drop_path_rate=0.1,
    ),
    neck=dict(
        type="SimpleFPN",
        in_channels=768,
        out_channels=256,
        scale_factors=(4, 2, 1, 0.5),
        num_outs=5,
    ),
    rpn_head=dict(num_convs=2),
    roi_head=dict(
        bbox_head=dict(
            type="Shared4Conv1FCBBoxHead",
            conv_out_channels=256,
            norm_cfg=dict(type="mmpretrain.LN2d", eps=1e-6),
        ),
        mask_head=dict(norm_cfg=dict(type="mmpretrain.LN2d", eps=1e-6)),
    ),
)
