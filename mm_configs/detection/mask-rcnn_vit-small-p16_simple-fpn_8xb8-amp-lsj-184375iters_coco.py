"""ViTDet on ViT-S/16 (DeiT's: 384 wide, 6 heads): the protocol of ViT-B on the smaller backbone.

No source trains this pair; every number is that of
`mask-rcnn_vit-base-p16_simple-fpn_8xb8-amp-lsj-184375iters_coco.py`, layer decay and drop path
included.
"""

_base_ = ["./mask-rcnn_vit-base-p16_simple-fpn_8xb8-amp-lsj-184375iters_coco.py"]

bench = dict(
    kind="protocol",
    task="detection",
    adapter="detection",
    family="vitdet",
    display="ViTDet 100e",
    backbone="vit-small-p16",
    profiles=["paper"],
    data="coco",
    main_metric="val/bbox_mAP",
    seeds=1,
    on_request=True,
)
model = dict(backbone=dict(arch="deit-small"), neck=dict(in_channels=384))
