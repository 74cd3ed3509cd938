"""MAE on ViT-B/16, 300 epochs at batch 4096, as published.

Source: mmpretrain `mae/mae_vit-base-p16_8xb512-amp-coslr-300e_in1k.py`. MAE sees one view of each
picture where the contrastive recipes see two: compare by images seen or by epochs, and say which.
"""

_base_ = [
    "../../_base_/models/mae_vit-base-p16.py",
    "../../_base_/datasets/in1k_mae.py",
    "../../_base_/schedules/in1k_adamw-mae_300e.py",
    "../../_base_/default_runtime.py",
]

bench = dict(
    kind="recipe",
    algorithm="mae",
    display="MAE",
    backbone="vit-base-p16",
    profiles=["paper"],
    data="imagenet",
    role="baseline",
    source="mmpretrain",
)
train_dataloader = dict(batch_size=512)
