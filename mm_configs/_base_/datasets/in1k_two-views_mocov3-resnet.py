"""ImageNet-1k, 224 px, two unequal views: MoCo v3's ResNet augmentation.

Source: mmpretrain `_base_/datasets/imagenet_bs512_mocov3.py`; its first view's `Solarize` of
probability 0 is left out. ViT's views (`in1k_two-views_mocov3.py`) differ in the crop alone, which
starts at 8 % of the area there and at 20 % here. Batch size is the recipe's.

The steps are mmpretrain's; `FusedMultiView` makes all views of a picture in one go
(docs/speed.md).
"""

_jitter = dict(
    type="RandomApply",
    transforms=[dict(type="ColorJitter", brightness=0.4, contrast=0.4, saturation=0.2, hue=0.1)],
    prob=0.8,
)
_grey = dict(
    type="RandomGrayscale", prob=0.2, keep_channels=True, channel_weights=(0.114, 0.587, 0.2989)
)
_first_view = [
    dict(type="RandomResizedCrop", scale=224, crop_ratio_range=(0.2, 1.0), backend="pillow"),
    _jitter,
    _grey,
    dict(type="GaussianBlur", magnitude_range=(0.1, 2.0), magnitude_std="inf", prob=1.0),
    dict(type="RandomFlip", prob=0.5),
]
_second_view = [
    dict(type="RandomResizedCrop", scale=224, crop_ratio_range=(0.2, 1.0), backend="pillow"),
    _jitter,
    _grey,
    dict(type="GaussianBlur", magnitude_range=(0.1, 2.0), magnitude_std="inf", prob=0.1),
    dict(type="Solarize", thr=128, prob=0.2),
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
            dict(type="FusedMultiView", num_views=[1, 1], transforms=[_first_view, _second_view]),
            dict(type="PackInputs"),
        ],
    ),
)
