"""ImageNet-1k, 224 px, two views of one kind: SimCLR's augmentation, with its strong colours.

Source: mmpretrain `_base_/datasets/imagenet_bs32_simclr.py`. Batch size is the recipe's.

The steps are mmpretrain's; `FusedMultiView` makes all views of a picture in one go
(docs/speed.md).
"""

_view = [
    dict(type="RandomResizedCrop", scale=224, backend="pillow"),
    dict(type="RandomFlip", prob=0.5),
    dict(
        type="RandomApply",
        transforms=[
            dict(type="ColorJitter", brightness=0.8, contrast=0.8, saturation=0.8, hue=0.2)
        ],
        prob=0.8,
    ),
    dict(
        type="RandomGrayscale",
        prob=0.2,
        keep_channels=True,
        channel_weights=(0.114, 0.587, 0.2989),
    ),
    dict(type="GaussianBlur", magnitude_range=(0.1, 2.0), magnitude_std="inf", prob=0.5),
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
            dict(type="FusedMultiView", num_views=2, transforms=[_view]),
            dict(type="PackInputs"),
        ],
    ),
)
