"""Stamps scenes in ADE20K layout, shown at 96 of their 128 px: 12 things, 5 kinds of stuff.

`test` is the novel cut-outs. The label map is predicted at the original size.

As in ADE20K label 0 is "unlabelled" and leaves training and evaluation (`reduce_zero_label`).
"""

_eval_pipeline = [
    dict(type="LoadImageFromFile"),
    dict(type="Resize", scale=(96, 96)),
    dict(type="LoadAnnotations", reduce_zero_label=True),
    dict(type="PackSegInputs"),
]
_set = dict(
    type="BaseSegDataset",
    data_root="data/stamps/segmentation",
    img_suffix=".jpg",
    seg_map_suffix=".png",
    reduce_zero_label=True,
)

train_dataloader = dict(
    batch_size=8,
    num_workers=0,
    drop_last=True,
    sampler=dict(type="InfiniteSampler", shuffle=True),
    dataset=dict(
        data_prefix=dict(img_path="images/training", seg_map_path="annotations/training"),
        pipeline=[
            dict(type="LoadImageFromFile"),
            dict(type="LoadAnnotations", reduce_zero_label=True),
            dict(type="Resize", scale=(96, 96)),
            dict(type="RandomFlip", prob=0.5),
            dict(type="PackSegInputs"),
        ],
        **_set,
    ),
)
val_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        data_prefix=dict(img_path="images/validation", seg_map_path="annotations/validation"),
        pipeline=_eval_pipeline,
        **_set,
    ),
)
test_dataloader = dict(
    batch_size=8,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        data_prefix=dict(img_path="images/novel", seg_map_path="annotations/novel"),
        pipeline=_eval_pipeline,
        **_set,
    ),
)
val_evaluator = dict(type="IoUMetric", iou_metrics=["mIoU"])
test_evaluator = dict(type="IoUMetric", iou_metrics=["mIoU"])
