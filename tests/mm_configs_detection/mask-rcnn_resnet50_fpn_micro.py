"""The FPN protocol with few regions, small pictures, and batch norms that a CPU can train."""

_base_ = ["../../mm_configs/detection/mask-rcnn_resnet50_fpn_8xb2-1x_coco.py"]

bench = dict(
    kind="protocol",
    task="detection",
    adapter="detection",
    family="mask-rcnn",
    display="mask-rcnn",
    backbone="resnet50",
    profiles=["micro"],
    data="stamps-micro",
    main_metric="val/bbox_mAP",
    seeds=1,
)
model = dict(
    backbone=dict(norm_cfg=dict(type="BN")),
    neck=dict(norm_cfg=dict(type="BN")),
    roi_head=dict(bbox_head=dict(num_classes=12), mask_head=dict(num_classes=12)),
    train_cfg=dict(rpn_proposal=dict(max_per_img=32), rcnn=dict(sampler=dict(num=16))),
    test_cfg=dict(rpn=dict(max_per_img=8), rcnn=dict(score_thr=0.0, max_per_img=4)),
)
train_cfg = dict(max_epochs=1, val_interval=1)
param_scheduler = [dict(type="ConstantLR", factor=0.1, begin=0, end=2, by_epoch=False)]
_root = "data/stamps-micro/detection/"
train_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    dataset=dict(
        data_root=_root,
        ann_file="annotations/instances_train.json",
        data_prefix=dict(img="train/"),
        indices=4,
        pipeline=[
            dict(type="LoadImageFromFile"),
            dict(type="LoadAnnotations", with_bbox=True, with_mask=True),
            dict(type="Resize", scale=(64, 64), keep_ratio=True),
            dict(type="RandomFlip", prob=0.5),
            dict(type="PackDetInputs"),
        ],
    ),
)
val_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    dataset=dict(
        data_root=_root,
        ann_file="annotations/instances_val.json",
        data_prefix=dict(img="val/"),
        indices=2,
        pipeline=[
            dict(type="LoadImageFromFile"),
            dict(type="Resize", scale=(64, 64), keep_ratio=True),
            dict(type="LoadAnnotations", with_bbox=True, with_mask=True),
            dict(
                type="PackDetInputs",
                meta_keys=("img_id", "img_path", "ori_shape", "img_shape", "scale_factor"),
            ),
        ],
    ),
)
val_evaluator = dict(ann_file=_root + "annotations/instances_val.json")
default_hooks = dict(checkpoint=None)
