"""The ViTDet protocol on ViT-S with pictures of 128 px, without mixed precision."""

_base_ = [
    "../../mm_configs/detection/mask-rcnn_vit-small-p16_simple-fpn_8xb8-amp-lsj-184375iters_coco.py"
]

bench = dict(
    kind="protocol",
    task="detection",
    adapter="detection",
    family="vitdet",
    display="vitdet",
    backbone="vit-small-p16",
    profiles=["micro"],
    data="stamps-micro",
    main_metric="val/bbox_mAP",
    seeds=1,
)
model = dict(
    data_preprocessor=dict(pad_size_divisor=128),
    backbone=dict(rel_pos_size=8),
    roi_head=dict(bbox_head=dict(num_classes=12), mask_head=dict(num_classes=12)),
    train_cfg=dict(rpn_proposal=dict(max_per_img=32), rcnn=dict(sampler=dict(num=16))),
    test_cfg=dict(rpn=dict(max_per_img=8), rcnn=dict(score_thr=0.0, max_per_img=4)),
)
optim_wrapper = dict(
    _delete_=True,
    type="OptimWrapper",
    optimizer=dict(type="AdamW", lr=1e-4, betas=(0.9, 0.999), weight_decay=0.1),
    constructor="BackboneLayerDecay",
    paramwise_cfg=dict(layer_decay_rate=0.7, norm_decay_mult=0.0),
)
train_cfg = dict(max_iters=2, val_interval=2)
param_scheduler = [dict(type="ConstantLR", factor=0.1, begin=0, end=2, by_epoch=False)]
_root = "data/stamps-micro/detection/"
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    persistent_workers=False,
    dataset=dict(
        data_root=_root,
        ann_file="annotations/instances_train.json",
        data_prefix=dict(img="train/"),
        pipeline=[
            dict(type="LoadImageFromFile"),
            dict(type="LoadAnnotations", with_bbox=True, with_mask=True),
            dict(type="Resize", scale=(128, 128), keep_ratio=True),
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
            dict(type="Resize", scale=(128, 128), keep_ratio=True),
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
