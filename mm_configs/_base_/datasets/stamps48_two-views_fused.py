"""Stamps, 48 px, unlabelled: the two views of ``stamps48_two-views.py``, made in one go.

Probabilities and ranges are the same. Crops are resampled and colours changed as Pillow does it,
because only that has a fused counterpart, and grey is luma instead of the channels' mean. The
profile `small` keeps mmpretrain's steps, as its committed records do (docs/speed.md).
"""

_base_ = ["./stamps48_two-views.py"]

_view = [
    dict(type="RandomResizedCrop", scale=48, crop_ratio_range=(0.25, 1.0), backend="pillow"),
    dict(type="RandomFlip", prob=0.5),
    dict(
        type="RandomApply",
        transforms=[
            dict(type="ColorJitter", brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1)
        ],
        prob=0.8,
    ),
    dict(
        type="RandomGrayscale",
        prob=0.2,
        keep_channels=True,
        channel_weights=(0.114, 0.587, 0.2989),
    ),
    dict(type="GaussianBlur", magnitude_range=(0.1, 1.0), magnitude_std="inf", prob=0.3),
]

train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type="FusedMultiView", num_views=2, transforms=[_view]),
            dict(type="PackInputs"),
        ],
    ),
)
