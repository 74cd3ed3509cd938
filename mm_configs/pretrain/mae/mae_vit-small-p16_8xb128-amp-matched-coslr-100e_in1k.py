"""MAE on ViT-S/16, 100 epochs at batch 1024: a member of the matched family.

The model is `_base_/models/mae_vit-small-p16.py`; the schedule
(`_base_/schedules/in1k_matched-adamw_100e.py`) and the augmentation are the family's. No such
recipe is published. It encodes one view of each picture, the others two.
"""

_base_ = [
    "../../_base_/models/mae_vit-small-p16.py",
    "../../_base_/datasets/in1k_one-view_matched.py",
    "../../_base_/schedules/in1k_matched-adamw_100e.py",
    "../../_base_/default_runtime.py",
]

bench = dict(
    kind="recipe",
    algorithm="mae",
    display="MAE, matched",
    backbone="vit-small-p16",
    profiles=["paper"],
    data="imagenet",
    role="baseline",
    source="mmpretrain",
    family="matched-vit-small-p16",
    on_request=True,
)
train_dataloader = dict(batch_size=128)
