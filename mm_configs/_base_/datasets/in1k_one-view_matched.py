"""ImageNet-1k, 224 px, one view: the matched recipes' crop and flip, without colours.

The crop, its interpolation and the flip are those of `in1k_two-views_mocov2.py`, which the matched
contrastive recipes take. What they add, colours and blur, makes two views of one picture differ;
MAE compares no views, and hiding is its augmentation. Batch size is the recipe's.
"""

_base_ = ["./in1k_mae.py"]

_view = [
    dict(type="RandomResizedCrop", scale=224, crop_ratio_range=(0.2, 1.0), backend="pillow"),
    dict(type="RandomFlip", prob=0.5),
]

train_dataloader = dict(
    dataset=dict(pipeline=[dict(type="FusedView", transforms=_view), dict(type="PackInputs")])
)
