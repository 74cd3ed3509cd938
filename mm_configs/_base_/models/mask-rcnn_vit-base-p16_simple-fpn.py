"""ViTDet-B's Mask R-CNN: 14 x 14 windows, global blocks 2, 5, 8, 11, relative positions.

Source: detectron2 `configs/common/models/mask_rcnn_vitdet.py` (Li et al., arXiv 2203.16527).
Pyramid and heads are those of `mask-rcnn_vit-base-p16-global_simple-fpn.py`; the backbone is
ViTDet's: drop path 0.1, no class token, no final norm, positions kept on pretraining's 14 x 14 grid
and resampled in every pass. Relative positions are in no checkpoint: `loading` names them as new
(they begin with zeros), and class token and final norm as left out.

Departure: an anchor becomes a box's best match from IoU 0.3 (mmdet), not from any IoU (detectron2).
"""

_base_ = ["./mask-rcnn_vit-base-p16-global_simple-fpn.py"]

loading = dict(
    new=["layers[.][0-9]+[.]attn[.]rel_pos_[hw]"],
    left_out=["cls_token", "ln1[.](weight|bias)"],
)
model = dict(
    backbone=dict(
        _delete_=True,
        type="WindowedVisionTransformer",
        arch="base",
        img_size=224,
        patch_size=16,
        window_size=14,
        global_blocks=(2, 5, 8, 11),
        rel_pos_size=64,
        drop_path_rate=0.1,
    ),
)
