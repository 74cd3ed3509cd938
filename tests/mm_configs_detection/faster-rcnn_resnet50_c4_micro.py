"""The VOC protocol with few regions, small pictures, and batch norms that a CPU can train."""

_base_ = ["../../mm_configs/detection/faster-rcnn_resnet50_c4_8xb2-24k_voc0712.py"]

bench = dict(
    kind="protocol",
    task="detection",
    adapter="detection",
    family="faster-rcnn-c4",
    display="faster-rcnn-c4",
    backbone="resnet50",
    profiles=["micro"],
    data="own:VOCdevkit",
    main_metric="val/bbox_mAP",
    seeds=1,
)
model = dict(
    backbone=dict(norm_cfg=dict(type="BN")),
    roi_head=dict(shared_head=dict(norm_cfg=dict(type="BN"))),
    train_cfg=dict(rpn_proposal=dict(max_per_img=32), rcnn=dict(sampler=dict(num=16))),
    test_cfg=dict(rpn=dict(max_per_img=8), rcnn=dict(score_thr=0.0, max_per_img=4)),
)
custom_hooks = [dict(type="PreciseNormHook", batches=2)]
train_cfg = dict(max_iters=2, val_interval=2)
param_scheduler = [dict(type="ConstantLR", factor=0.1, begin=0, end=2, by_epoch=False)]
train_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    dataset=dict(
        pipeline=[
            dict(type="LoadImageFromFile"),
            dict(type="LoadAnnotations", with_bbox=True),
            dict(type="RandomChoiceResize", scales=[(160, 80), (160, 96)], keep_ratio=True),
            dict(type="RandomFlip", prob=0.5),
            dict(type="PackDetInputs"),
        ],
    ),
)
val_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    dataset=dict(
        pipeline=[
            dict(type="LoadImageFromFile"),
            dict(type="Resize", scale=(160, 96), keep_ratio=True),
            dict(type="LoadAnnotations", with_bbox=True),
            dict(
                type="PackDetInputs",
                meta_keys=(
                    "img_id",
                    "img_path",
                    "ori_shape",
                    "img_shape",
                    "scale_factor",
                    "instances",
                ),
            ),
        ],
    ),
)
default_hooks = dict(checkpoint=None)
