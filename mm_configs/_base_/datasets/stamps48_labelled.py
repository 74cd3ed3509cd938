"""Stamps, 48 px, 12 classes: augmented train, plain val (known cut-outs) and test (novel ones)."""

_plain = [dict(type="LoadImageFromFile"), dict(type="PackInputs")]
_collate = dict(type="default_collate")

train_dataloader = dict(
    batch_size=64,
    num_workers=0,
    drop_last=True,
    sampler=dict(type="DefaultSampler", shuffle=True),
    collate_fn=_collate,
    dataset=dict(
        type="CustomDataset",
        data_root="data/stamps/classification/train",
        pipeline=[
            dict(type="LoadImageFromFile"),
            dict(type="RandomResizedCrop", scale=48, crop_ratio_range=(0.25, 1.0), backend="cv2"),
            dict(type="RandomFlip", prob=0.5),
            dict(type="PackInputs"),
        ],
    ),
)
val_dataloader = dict(
    batch_size=250,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    collate_fn=_collate,
    dataset=dict(type="CustomDataset", data_root="data/stamps/classification/val", pipeline=_plain),
)
test_dataloader = dict(
    batch_size=250,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    collate_fn=_collate,
    dataset=dict(
        type="CustomDataset", data_root="data/stamps/classification/novel", pipeline=_plain
    ),
)
val_evaluator = dict(type="Accuracy", topk=(1,))
test_evaluator = dict(type="Accuracy", topk=(1,))
