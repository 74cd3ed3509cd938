"""MAE on ViT-S/16, 300 epochs at batch 4096: ViT-B's recipe on the smaller network.

No published config exists. All but the model is mmpretrain's
`mae/mae_vit-base-p16_8xb512-amp-coslr-300e_in1k.py`.
"""

_base_ = [
    "../../_base_/models/mae_vit-small-p16.py",
    "../../_base_/datasets/in1k_mae.py",
    "../../_base_/schedules/in1k_adamw-mae_300e.py",
    "../../_base_/default_runtime.py",
]

bench = dict(
    kind="recipe",
    algorithm="mae",
    display="MAE",
    backbone="vit-small-p16",
    profiles=["paper"],
    data="imagenet",
    role="baseline",
    source="mmpretrain",
)
train_dataloader = dict(batch_size=512)
