"""Stamps, 48 px, unlabelled: the view of ``stamps48_mae.py``, made in one go.

The crop is resampled as Pillow does it, because only that has a fused counterpart. The profile
`small` keeps mmpretrain's steps, as its committed records do (docs/speed.md).
"""

_base_ = ["./stamps48_mae.py"]

_view = [
    dict(type="RandomResizedCrop", scale=48, crop_ratio_range=(0.25, 1.0), backend="pillow"),
    dict(type="RandomFlip", prob=0.5),
]

train_dataloader = dict(
    dataset=dict(
        pipeline=[
            dict(type="FusedView", transforms=_view),
            dict(type="PackInputs"),
        ],
    ),
)
