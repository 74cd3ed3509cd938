"""SimCLR on ResNet-50, 100 epochs at batch 1024: a member of the matched family.

The model is `_base_/models/simclr_resnet50.py`; the schedule
(`_base_/schedules/in1k_matched-lars_100e.py`) and the augmentation are the family's. No such
recipe is published.
"""

_base_ = [
    "../../_base_/models/simclr_resnet50.py",
    "../../_base_/datasets/in1k_two-views_mocov2.py",
    "../../_base_/schedules/in1k_matched-lars_100e.py",
    "../../_base_/default_runtime.py",
]

bench = dict(
    kind="recipe",
    algorithm="simclr",
    display="SimCLR, matched",
    backbone="resnet50",
    profiles=["paper"],
    data="imagenet",
    role="baseline",
    source="mmpretrain",
    family="matched-resnet50",
    on_request=True,
)
train_dataloader = dict(batch_size=128)
