"""ImageNet-1k, 224 px, one view: MAE's bicubic crop and flip.

Source: mmpretrain `_base_/datasets/imagenet_bs512_mae.py`. Batch size is the recipe's.

The steps are mmpretrain's; `FusedView` takes them in one go (docs/speed.md).
"""

_view = [
    dict(
        type="RandomResizedCrop",
        scale=224,
        crop_ratio_range=(0.2, 1.0),
        backend="pillow",
        interpolation="bicubic",
    ),
    dict(type="RandomFlip", prob=0.5),
]

train_dataloader = dict(
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    drop_last=True,
    sampler=dict(type="DefaultSampler", shuffle=True),
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type="CustomDataset",
        data_root="data/imagenet/train",
        with_label=False,
        pipeline=[
            dict(type="FusedView", transforms=_view),
            dict(type="PackInputs"),
        ],
    ),
)
