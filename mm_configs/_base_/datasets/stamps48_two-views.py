"""Stamps, 48 px, unlabelled: two views from the SimCLR / MoCo v3 augmentation family.

The crop ratio starts at 0.25 (not 0.08 or 0.2) because the object already fills the frame;
blur is narrower because the picture is small.
"""

_jitter = dict(
    type="RandomApply",
    transforms=[
        dict(
            type="ColorJitter", brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1, backend="cv2"
        )
    ],
    prob=0.8,
)
_view = [
    dict(type="RandomResizedCrop", scale=48, crop_ratio_range=(0.25, 1.0), backend="cv2"),
    dict(type="RandomFlip", prob=0.5),
    _jitter,
    dict(type="RandomGrayscale", prob=0.2, keep_channels=True),
    dict(type="GaussianBlur", magnitude_range=(0.1, 1.0), magnitude_std="inf", prob=0.3),
]

train_dataloader = dict(
    batch_size=64,
    num_workers=0,
    drop_last=True,
    sampler=dict(type="InfiniteSampler", shuffle=True),
    collate_fn=dict(type="default_collate"),
    dataset=dict(
        type="CustomDataset",
        data_root="data/stamps/pretrain",
        with_label=False,
        pipeline=[
            dict(type="LoadImageFromFile"),
            dict(type="MultiView", num_views=2, transforms=[_view]),
            dict(type="PackInputs"),
        ],
    ),
)
