"""Pascal VOC: trainval of 2007 and 2012 for training, test of 2007 for val. Boxes only.

Scales: facebookresearch/moco `detection/configs/pascal_voc_R_50_C4_24k.yaml` (480 to 800 px in
steps of 32 for training, 800 for val), long side at most 1333 (detectron2's default). As in
detectron2, "difficult" objects are trained on like all others and ignored when AP is computed. AP
is COCO's, over 101 recalls; detectron2's VOC evaluation takes 11 recalls on the test of 2007.
"""

train_dataloader = dict(
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type="DefaultSampler", shuffle=True),
    batch_sampler=dict(type="AspectRatioBatchSampler"),
    dataset=dict(
        type="VOCDevkit",
        data_root="data/VOCdevkit/",
        splits=[("VOC2007", "trainval"), ("VOC2012", "trainval")],
        difficult="objects",
        filter_cfg=dict(filter_empty_gt=True),
        pipeline=[
            dict(type="LoadImageFromFile"),
            dict(type="LoadAnnotations", with_bbox=True),
            dict(
                type="RandomChoiceResize",
                scales=[
                    (1333, 480),
                    (1333, 512),
                    (1333, 544),
                    (1333, 576),
                    (1333, 608),
                    (1333, 640),
                    (1333, 672),
                    (1333, 704),
                    (1333, 736),
                    (1333, 768),
                    (1333, 800),
                ],
                keep_ratio=True,
            ),
            dict(type="RandomFlip", prob=0.5),
            dict(type="PackDetInputs"),
        ],
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        type="VOCDevkit",
        data_root="data/VOCdevkit/",
        splits=[("VOC2007", "test")],
        difficult="ignored",
        test_mode=True,
        pipeline=[
            dict(type="LoadImageFromFile"),
            dict(type="Resize", scale=(1333, 800), keep_ratio=True),
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
val_evaluator = dict(type="VOCMetricByCoco")
