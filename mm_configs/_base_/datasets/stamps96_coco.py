"""Stamps scenes in COCO format, shown at 96 of their 128 px; test is the novel cut-outs.

At 96 px objects are about as large as those that the 48 px pretraining saw, and a step costs
about half. Boxes and masks are scored at the original size."""

_root = "data/stamps/detection/"
train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    drop_last=True,
    sampler=dict(type="InfiniteSampler", shuffle=True),
    dataset=dict(
        type="CocoDataset",
        data_root=_root,
        ann_file="annotations/instances_train.json",
        data_prefix=dict(img="train/"),
        filter_cfg=dict(filter_empty_gt=True),
        pipeline=[
            dict(type="LoadImageFromFile"),
            dict(type="LoadAnnotations", with_bbox=True, with_mask=True),
            dict(type="Resize", scale=(96, 96), keep_ratio=True),
            dict(type="RandomFlip", prob=0.5),
            dict(type="PackDetInputs"),
        ],
    ),
)
_eval = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
)
_eval_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="Resize", scale=(96, 96), keep_ratio=True),
    dict(type="LoadAnnotations", with_bbox=True, with_mask=True),
    dict(
        type="PackDetInputs",
        meta_keys=("img_id", "img_path", "ori_shape", "img_shape", "scale_factor"),
    ),
]
val_dataloader = dict(
    dataset=dict(
        type="CocoDataset",
        data_root=_root,
        ann_file="annotations/instances_val.json",
        data_prefix=dict(img="val/"),
        test_mode=True,
        pipeline=_eval_pipeline,
    ),
    **_eval,
)
test_dataloader = dict(
    dataset=dict(
        type="CocoDataset",
        data_root=_root,
        ann_file="annotations/instances_novel.json",
        data_prefix=dict(img="novel/"),
        test_mode=True,
        pipeline=_eval_pipeline,
    ),
    **_eval,
)
val_evaluator = dict(
    type="CocoMetric",
    ann_file=_root + "annotations/instances_val.json",
    metric=["bbox", "segm"],
)
test_evaluator = dict(
    type="CocoMetric",
    ann_file=_root + "annotations/instances_novel.json",
    metric=["bbox", "segm"],
)
