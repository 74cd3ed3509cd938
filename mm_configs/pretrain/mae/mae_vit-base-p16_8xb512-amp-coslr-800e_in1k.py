"""MAE on ViT-B/16, 800 epochs at batch 4096, as published.

Source: mmpretrain `mae/mae_vit-base-p16_8xb512-amp-coslr-800e_in1k.py`.
"""

_base_ = ["./mae_vit-base-p16_8xb512-amp-coslr-300e_in1k.py"]

bench = dict(
    kind="recipe",
    algorithm="mae",
    display="MAE, 800 epochs",
    backbone="vit-base-p16",
    profiles=["paper"],
    data="imagenet",
    role="baseline",
    source="mmpretrain",
    on_request=True,
)
param_scheduler = [
    dict(
        type="LinearLR",
        start_factor=1e-9,
        begin=0,
        end=40,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
    dict(
        type="CosineAnnealingLR",
        T_max=760,
        begin=40,
        end=800,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]
train_cfg = dict(max_epochs=800)
